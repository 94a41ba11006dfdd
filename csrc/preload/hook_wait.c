/* SPDX-License-Identifier: MIT */
/* The poll and select families. */
#include "clock.h"
#include "gate.h"
#include "highest.h"
#include "libc.h"
#include "pollset.h"
#include "sockaddr.h"

#include <sys/mman.h>

static int poll_ms(struct pollfd *fds, nfds_t n, int timeout_ms)
{
	struct timespec timeout = pw_timespec_ms(timeout_ms);

	return pw_poll(fds, n, timeout_ms < 0 ? NULL : &timeout, NULL);
}

int hook_poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
	if (pw_is_busy())
		return poll_ms(fds, n, timeout_ms);
	return pw_libc.poll(fds, n, timeout_ms);
}

int hook_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
	       const sigset_t *mask)
{
	if (pw_is_busy() && pw_is_timeout(timeout))
		return pw_poll(fds, n, timeout, mask);
	return pw_libc.ppoll(fds, n, timeout, mask);
}

/* The size check of the fortified forms is libc's to make. */
int hook___poll_chk(struct pollfd *fds, nfds_t n, int timeout_ms, size_t size)
{
	if (pw_is_busy() && size / sizeof(*fds) >= n)
		return poll_ms(fds, n, timeout_ms);
	return pw_libc.__poll_chk(fds, n, timeout_ms, size);
}

int hook___ppoll_chk(struct pollfd *fds, nfds_t n,
		     const struct timespec *timeout, const sigset_t *mask,
		     size_t size)
{
	if (pw_is_busy() && size / sizeof(*fds) >= n && pw_is_timeout(timeout))
		return pw_poll(fds, n, timeout, mask);
	return pw_libc.__ppoll_chk(fds, n, timeout, mask, size);
}

/*
 * select() by way of poll(): a control connection's number may lie beyond the
 * caller's sets.
 */
static const short in_mask = POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP |
			     POLLERR;
static const short out_mask = POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR;
static const short except_mask = POLLPRI;

enum {
	WORD_BITS = 8 * sizeof(unsigned long)
};

static bool is_in(const fd_set *set, int fd)
{
	const unsigned long *words = (const unsigned long *)set;

	return set && (words[fd / WORD_BITS] >> (fd % WORD_BITS) & 1);
}

static void put_in(fd_set *set, int fd, bool is_ready, int *count)
{
	unsigned long *words = (unsigned long *)set;

	if (!set)
		return;
	words[fd / WORD_BITS] &= ~(1UL << (fd % WORD_BITS));
	if (is_ready) {
		words[fd / WORD_BITS] |= 1UL << (fd % WORD_BITS);
		++*count;
	}
}

static nfds_t count_fds(int n, const fd_set *in, const fd_set *out,
			const fd_set *except)
{
	nfds_t count = 0;

	for (int fd = 0; fd < n; fd++)
		count += is_in(in, fd) || is_in(out, fd) || is_in(except, fd);
	return count;
}

static nfds_t gather(struct pollfd *fds, nfds_t room, int n, const fd_set *in,
		     const fd_set *out, const fd_set *except)
{
	nfds_t count = 0;

	for (int fd = 0; fd < n && count < room; fd++) {
		int events = (is_in(in, fd) ? in_mask : 0) |
			     (is_in(out, fd) ? out_mask : 0) |
			     (is_in(except, fd) ? except_mask : 0);

		if (events)
			fds[count++] =
				(struct pollfd){ .fd = fd,
						 .events = (short)events };
	}
	return count;
}

static bool has_pending(int n, const fd_set *in, const fd_set *out,
			const fd_set *except)
{
	for (int fd = 0; fd < n; fd++)
		if (pw_slot(fd) &&
		    (is_in(in, fd) || is_in(out, fd) || is_in(except, fd)))
			return true;
	return false;
}

static int select_by(struct pollfd *fds, nfds_t room, int n, fd_set *in,
		     fd_set *out, fd_set *except,
		     const struct timespec *timeout, const sigset_t *mask)
{
	nfds_t count = gather(fds, room, n, in, out, except);
	int ready = 0, ret = pw_poll(fds, count, timeout, mask);

	if (ret < 0)
		return ret;
	for (nfds_t i = 0; i < count; i++)
		if (fds[i].revents & POLLNVAL)
			return (int)pw_result(-EBADF);
	for (nfds_t i = 0; i < count; i++) {
		int fd = fds[i].fd, events = fds[i].events,
		    revents = fds[i].revents;

		put_in(in, fd, (events & POLLIN) && (revents & in_mask),
		       &ready);
		put_in(out, fd, (events & POLLOUT) && (revents & out_mask),
		       &ready);
		put_in(except, fd,
		       (events & POLLPRI) && (revents & except_mask), &ready);
	}
	return ready;
}

/* No big array on the stack: threads of 16 KiB call select(), too. */
static int do_select(int n, fd_set *in, fd_set *out, fd_set *except,
		     const struct timespec *timeout, const sigset_t *mask)
{
	nfds_t count = count_fds(n, in, out, except);
	size_t bytes = count * sizeof(struct pollfd);
	long map = pw_sys(SYS_mmap, 0, bytes, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int ret;

	if (map < 0 && map > -4096)
		return (int)pw_result(-ENOMEM);
	ret = select_by((struct pollfd *)map, count, n, in, out, except,
			timeout, mask);
	pw_sys(SYS_munmap, map, bytes);
	return ret;
}

/*
 * How much of its sets the kernel would look at, and write, if we had no
 * descriptors: it stops at the end of its table, and ours are at that end.
 * Programs that ask for as many as they may have rely on it.
 */
static int trimmed(int n)
{
	int highest, end;

	if (n <= FD_SETSIZE)
		return n;
	highest = pw_highest_fd();
	if (highest < 0)
		return n;
	end = (highest / WORD_BITS + 1) * WORD_BITS;
	if (end < FD_SETSIZE)
		end = FD_SETSIZE;
	return n < end ? n : end;
}

static bool can_be_read(int n, const fd_set *set)
{
	const char *start = (const char *)set;
	size_t bytes = ((size_t)n + 7) / 8;

	for (size_t at = 0; set && at < bytes; at += 4096)
		if (!pw_readable(start + at,
				 bytes - at < 4096 ? bytes - at : 4096))
			return false;
	return true;
}

/* Whether it is the kernel's to do, or to refuse. */
static bool is_plain(int n, const fd_set *in, const fd_set *out,
		     const fd_set *except)
{
	return !pw_is_busy() || n < 0 || !can_be_read(n, in) ||
	       !can_be_read(n, out) || !can_be_read(n, except) ||
	       !has_pending(n, in, out, except);
}

PW_APART static int select_seen(int n, fd_set *in, fd_set *out, fd_set *except,
				struct timeval *timeout)
{
	struct timespec limit;
	struct pw_deadline deadline;
	int ret;

	n = trimmed(n);
	if (is_plain(n, in, out, except))
		return pw_libc.select(n, in, out, except, timeout);
	if (!timeout)
		return do_select(n, in, out, except, NULL, NULL);
	if (timeout->tv_sec < 0 || timeout->tv_usec < 0)
		return (int)pw_result(-EINVAL);
	limit.tv_sec = timeout->tv_sec + timeout->tv_usec / 1000000;
	limit.tv_nsec = timeout->tv_usec % 1000000 * 1000;
	deadline = pw_deadline_in(&limit);
	ret = do_select(n, in, out, except, &limit, NULL);
	/* Linux leaves what is left of the time. */
	pw_remaining(&deadline, &limit);
	timeout->tv_sec = limit.tv_sec;
	timeout->tv_usec = limit.tv_nsec / 1000;
	return ret;
}

int hook_select(int n, fd_set *in, fd_set *out, fd_set *except,
		struct timeval *timeout)
{
	if (pw_is_busy() || pw_unlikely(n > FD_SETSIZE))
		return select_seen(n, in, out, except, timeout);
	return pw_libc.select(n, in, out, except, timeout);
}

PW_APART static int pselect_seen(int n, fd_set *in, fd_set *out, fd_set *except,
				 const struct timespec *timeout,
				 const sigset_t *mask)
{
	n = trimmed(n);
	if (is_plain(n, in, out, except) || !pw_is_timeout(timeout))
		return pw_libc.pselect(n, in, out, except, timeout, mask);
	return do_select(n, in, out, except, timeout, mask);
}

int hook_pselect(int n, fd_set *in, fd_set *out, fd_set *except,
		 const struct timespec *timeout, const sigset_t *mask)
{
	if (pw_is_busy() || pw_unlikely(n > FD_SETSIZE))
		return pselect_seen(n, in, out, except, timeout, mask);
	return pw_libc.pselect(n, in, out, except, timeout, mask);
}
