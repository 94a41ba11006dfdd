/* SPDX-License-Identifier: MIT */
/* The epoll family: stand-ins go in at epoll_ctl and never come out. */
#include "clock.h"
#include "epollset.h"
#include "gate.h"
#include "guard.h"
#include "libc.h"
#include "nested.h"
#include "sockaddr.h"

static int learn(int epfd)
{
	PW_GUARD guard = { 0 };

	if (epfd >= 0 && pw_guard_enter(&guard)) {
		pw_set_close(epfd);
		pw_forget(epfd);
		if (pw_set_learn(epfd) >= 0)
			pw_epoll_is_new(pw_mapped(), epfd);
	}
	return epfd;
}

int hook_epoll_create(int size)
{
	return learn(pw_libc.epoll_create(size));
}

int hook_epoll_create1(int flags)
{
	return learn(pw_libc.epoll_create1(flags));
}

/* What may be asked for together with EPOLLEXCLUSIVE. */
static const uint32_t exclusive_bits = EPOLLEXCLUSIVE | EPOLLIN | EPOLLOUT |
				       EPOLLERR | EPOLLHUP | EPOLLWAKEUP |
				       EPOLLET;

/* Return: 1: the kernel's to do; else the result */
static int control_pending(int epfd, int op, int fd,
			   const struct epoll_event *event)
{
	struct pw_loan *loan;
	int ret;
	PW_GUARD guard = { 0 };

	if (!pw_guard_enter(&guard))
		return 1;
	if (pw_set_of(fd) >= 0)
		pw_set_watched(pw_set_of(fd));
	loan = pw_loan_of(fd);
	if (!loan || (pw_settle(loan) && !loan->first_watch))
		return 1;
	if (op == EPOLL_CTL_DEL)
		return pw_watch_del(loan, epfd, fd) ? 1 : 0;
	if (!pw_readable(event, sizeof(*event)))
		return -EFAULT;
	if ((event->events & EPOLLEXCLUSIVE) &&
	    (op != EPOLL_CTL_ADD || (event->events & ~exclusive_bits)))
		return 1; /* to be refused, whatever is registered */
	if (op == EPOLL_CTL_MOD)
		ret = pw_watch_mod(loan, epfd, fd, event);
	else if (op == EPOLL_CTL_ADD && loan->state == PW_LOAN_PENDING)
		ret = pw_watch_add(loan, epfd, fd, event);
	else
		return 1;
	/* The answer may have come while nothing stood in. */
	pw_settle(loan);
	return ret == -ENOENT ? 1 : ret;
}

PW_APART static int control_seen(int epfd, int op, int fd,
				 struct epoll_event *event)
{
	struct pw_tables *tables = pw_tables_map();
	int ret = pw_is_busy() ? control_pending(epfd, op, fd, event) : 1;

	ret = ret == 1 ? pw_libc.epoll_ctl(epfd, op, fd, event)
		       : (int)pw_result(ret);
	if (ret == 0 && tables)
		pw_epoll_saw(tables, epfd, op, fd, event);
	return ret;
}

int hook_epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
	struct pw_tables *tables = pw_mapped();
	int ret;

	if (pw_is_busy() || pw_unlikely(!tables))
		return control_seen(epfd, op, fd, event);
	ret = pw_libc.epoll_ctl(epfd, op, fd, event);
	if (pw_likely(ret == 0))
		pw_epoll_saw(tables, epfd, op, fd, event);
	return ret;
}

/* Settle the loans whose stand-ins were reported, and take these out. */
static int without_standins(int epfd, struct epoll_event *events, int n)
{
	int kept = 0;

	for (int i = 0; i < n; i++) {
		if (pw_is_marked(&events[i]) &&
		    !pw_standin_settle(epfd, &events[i]))
			continue;
		if (kept != i)
			events[kept] = events[i];
		kept++;
	}
	return kept;
}

/*
 * Whether what was reported is to be shown; if not, wait on. An inner set may
 * have stirred for a stand-in only.
 */
static int shown(int epfd, struct epoll_event *events, int n)
{
	n = without_standins(epfd, events, n);
	if (pw_unlikely(n && atomic_load_explicit(&pw_nested_sets,
						  memory_order_relaxed)))
		n = pw_filter_nested(epfd, events, n);
	return n;
}

struct wait {
	int epfd;
	struct epoll_event *events;
	int max;
	const sigset_t *mask;
};

/* Go on after a wait that has reported stand-ins only. */
static int wait_on(const struct wait *wait, const struct pw_deadline *deadline)
{
	int n;

	do {
		struct timespec left, *limit = pw_remaining(deadline, &left);
		int ms = -1;

		/* Rounded up: a wait must not end early. */
		if (limit)
			ms = left.tv_sec > INT32_MAX / 1000 - 1
				     ? INT32_MAX
				     : (int)(left.tv_sec * 1000 +
					     (left.tv_nsec + 999999) / 1000000);
		n = pw_libc.epoll_pwait(wait->epfd, wait->events, wait->max, ms,
					wait->mask);
		if (n <= 0)
			return n;
		n = shown(wait->epfd, wait->events, n);
	} while (n == 0);
	return n;
}

/*
 * Whether a wait that began when nothing was pending has reported what it must
 * be gone through for: another thread may have lent a socket meanwhile.
 */
static inline bool has_standins(const struct epoll_event *events, int n)
{
	if (!atomic_load_explicit(&pw_lent_ever, memory_order_relaxed))
		return false;
	if (pw_unlikely(atomic_load_explicit(&pw_nested_sets,
					     memory_order_relaxed)))
		return n > 0;
	for (int i = 0; i < n; i++)
		if (pw_is_marked(&events[i]))
			return true;
	return false;
}

PW_APART static int wait_timespec(const struct wait *wait,
				  const struct timespec *timeout)
{
	struct pw_deadline deadline = pw_deadline_in(timeout);
	int saved = errno, n = wait_on(wait, &deadline);

	if (n >= 0)
		errno = saved;
	return n;
}

PW_APART static int wait_ms(const struct wait *wait, int timeout_ms)
{
	struct timespec timeout = pw_timespec_ms(timeout_ms);

	return wait_timespec(wait, timeout_ms < 0 ? NULL : &timeout);
}

int hook_epoll_wait(int epfd, struct epoll_event *events, int max,
		    int timeout_ms)
{
	int n;

	if (pw_is_busy())
		return wait_ms(&(struct wait){ epfd, events, max, NULL },
			       timeout_ms);
	n = pw_libc.epoll_wait(epfd, events, max, timeout_ms);
	if (has_standins(events, n) && (n = shown(epfd, events, n)) == 0)
		return wait_ms(&(struct wait){ epfd, events, max, NULL },
			       timeout_ms);
	return n;
}

int hook_epoll_pwait(int epfd, struct epoll_event *events, int max,
		     int timeout_ms, const sigset_t *mask)
{
	int n;

	if (pw_is_busy())
		return wait_ms(&(struct wait){ epfd, events, max, mask },
			       timeout_ms);
	n = pw_libc.epoll_pwait(epfd, events, max, timeout_ms, mask);
	if (has_standins(events, n) && (n = shown(epfd, events, n)) == 0)
		return wait_ms(&(struct wait){ epfd, events, max, mask },
			       timeout_ms);
	return n;
}

int hook_epoll_pwait2(int epfd, struct epoll_event *events, int max,
		      const struct timespec *timeout, const sigset_t *mask)
{
	int n;

	if (pw_is_busy() && pw_is_timeout(timeout))
		return wait_timespec(&(struct wait){ epfd, events, max, mask },
				     timeout);
	n = pw_libc.epoll_pwait2(epfd, events, max, timeout, mask);
	if (has_standins(events, n) && (n = shown(epfd, events, n)) == 0)
		return wait_timespec(&(struct wait){ epfd, events, max, mask },
				     timeout);
	return n;
}
