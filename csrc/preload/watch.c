/* SPDX-License-Identifier: MIT */
#include "guard.h"
#include "watchlist.h"

#include <fcntl.h>

/* What stands in is that of another watch, or armed anew. */
static int renew_standin(struct pw_loan *loan, int set)
{
	pw_standin_remove(loan, set);
	return pw_standin_put(loan, set);
}

/**
 * pw_watch_add() - EPOLL_CTL_ADD on a pending socket
 *
 * The reply may have come before the control connection stands in: then that
 * never stirs, and the caller settles.
 *
 * Return: 0 or what the kernel would have answered, as -errno
 */
int pw_watch_add(struct pw_loan *loan, int epfd, int fd,
		 const struct epoll_event *event)
{
	struct pw_watch *watch;
	int set = pw_set_learn(epfd), ret;
	bool is_first;

	if (set < 0)
		return set;
	if (pw_watch_find(loan, set, fd))
		return -EEXIST;
	is_first = !pw_watch_find(loan, set, -1);
	watch = pw_watch_new(loan, set, fd, event);
	if (!watch)
		return -ENOSPC;
	ret = is_first ? pw_standin_put(loan, set) : 0;
	if (ret == 0)
		return 0;
	pw_watch_remove(loan, watch);
	if (!pw_set_has_standins(set))
		pw_set_close(epfd); /* it is none, perhaps */
	return ret;
}

/**
 * pw_watch_mod() - EPOLL_CTL_MOD on a socket that has watches
 *
 * Return: 0; -ENOENT where this registration is not suspended; -EINVAL where
 *	it is exclusive, which cannot be changed
 */
int pw_watch_mod(struct pw_loan *loan, int epfd, int fd,
		 const struct epoll_event *event)
{
	int set = pw_set_of(epfd), ret;
	struct pw_watch *watch = set < 0 ? NULL : pw_watch_find(loan, set, fd);

	if (!watch)
		return -ENOENT;
	if (watch->event.events & EPOLLEXCLUSIVE)
		return -EINVAL;
	pw_watch_set_event(watch, event);
	watch->is_modified = true;
	pw_watch_set_dormant(watch, false);
	if (loan->state == PW_LOAN_PENDING)
		return renew_standin(loan, set);
	ret = (int)pw_epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &watch->event);
	if (ret == -EEXIST) /* a fork child that shares the set was quicker */
		ret = (int)pw_epoll_ctl(epfd, EPOLL_CTL_MOD, fd, &watch->event);
	pw_watch_remove(loan, watch);
	return ret;
}

/**
 * pw_watch_del() - EPOLL_CTL_DEL on a socket that has watches
 *
 * Return: 0, or -ENOENT where this registration is not suspended
 */
int pw_watch_del(struct pw_loan *loan, int epfd, int fd)
{
	int set = pw_set_of(epfd);
	struct pw_watch *watch = set < 0 ? NULL : pw_watch_find(loan, set, fd);
	bool was_shown;

	if (!watch)
		return -ENOENT;
	was_shown = watch->has_standin;
	pw_watch_remove(loan, watch);
	if (was_shown)
		renew_standin(loan, set);
	return 0;
}

/*
 * Take a registration out of its set. The kernel knows whether there is one:
 * EPOLL_CTL_DEL says so.
 *
 * Return: 1: done; 0: there was none; -errno: there is no room for it
 */
static int suspend(struct pw_loan *loan, int epfd, int fd,
		   const struct epoll_event *event)
{
	int set = pw_set_learn(epfd);
	struct pw_watch *watch;

	if (set < 0)
		return set == -EBADF ? 0 : set;
	watch = pw_watch_new(loan, set, fd, event);
	if (!watch)
		return -ENOSPC;
	if (pw_epoll_ctl(epfd, EPOLL_CTL_DEL, fd, NULL) == 0)
		return 1;
	pw_watch_remove(loan, watch);
	if (!pw_set_has_standins(set))
		pw_set_close(epfd); /* it is none, perhaps */
	return 0;
}

/* What was suspended is a one-shot that has fired. */
static void make_dormant(struct pw_loan *loan, int epfd, int fd)
{
	pw_watch_set_dormant(pw_watch_find(loan, pw_set_of(epfd), fd), true);
}

/* The same where nothing but the kernel knows what the registration is. */
static bool suspend_in(struct pw_loan *loan, int epfd, int fd)
{
	struct epoll_event event;
	int found = pw_fdinfo_find(epfd, fd, &event);

	if (found < 0)
		return pw_inode(epfd) == 0; /* a set that was closed since */
	if (found == 0)
		return true;
	if (suspend(loan, epfd, fd, &event) < 0)
		return false;
	if (pw_is_spent(event.events))
		make_dormant(loan, epfd, fd);
	return true;
}

/*
 * Whether a one-shot has fired, as a set in which nothing is ready tells: a
 * socket that is not connected shows EPOLLHUP, whatever is asked for.
 */
static bool is_quiet(int epfd)
{
	struct pollfd one = { .fd = epfd, .events = POLLIN };
	struct timespec none = { 0 };

	return pw_sys(SYS_ppoll, &one, 1, &none, NULL, 0) == 0;
}

/*
 * Return: 1: done, or there is nothing to do; 0: it is not there, but may be by
 *	another number of the set; -errno
 */
static int suspend_known(struct pw_loan *loan, int fd,
			 const struct pw_registered *known)
{
	struct epoll_event event = { .events = known->events,
				     .data.u64 = known->data };
	int epfd = (int)known->set - 1, ret;
	bool is_fired;

	if (epfd < 0)
		return 1;
	is_fired = (known->events & EPOLLONESHOT) && is_quiet(epfd);
	if ((known->events & EPOLLONESHOT) && !is_fired)
		return 0;
	ret = suspend(loan, epfd, fd, &event);
	if (ret > 0 && is_fired)
		make_dormant(loan, epfd, fd);
	return ret;
}

/**
 * pw_watches_suspend() - Take a socket out of all epoll sets that have it
 * @fd: the socket, not connected
 *
 * What the application has registered is known; whether a one-shot has fired
 * since where others are ready too, or what is in many sets, the kernel says
 * by fdinfo alone, which takes the longer the larger the set is.
 *
 * Return: whether that could be done
 */
bool pw_watches_suspend(struct pw_loan *loan, int fd)
{
	const struct pw_registered *first = &pw_mapped()->registered[fd];
	const struct pw_also *also = pw_also_at(pw_mapped(), fd);
	int ret = first->is_many ? 0 : suspend_known(loan, fd, first);

	if (ret > 0 && also->fd == fd)
		ret = suspend_known(loan, fd, &also->in);
	if (ret != 0)
		return ret > 0;
	if (first->set && pw_set_of(first->set - 1) < 0 &&
	    !suspend_in(loan, first->set - 1, fd))
		return false;
	for (int set = 0; set < PW_SETS; set++)
		if (pw_set_fd(set) >= 0 &&
		    !suspend_in(loan, pw_set_fd(set), fd))
			return false;
	return true;
}

/**
 * pw_watches_stand_in() - Let the control connection stand in for what was
 * suspended
 * @loan: which the helper was asked for; it may have answered already
 *
 * Return: 0 or -errno
 */
int pw_watches_stand_in(struct pw_loan *loan)
{
	for (unsigned int i = loan->first_watch; i; i = pw_watch_at(i)->next) {
		int set = pw_watch_at(i)->set, ret = 0;

		/* The first of each set does it for all. */
		if (pw_watch_find(loan, set, -1) == pw_watch_at(i))
			ret = pw_standin_put(loan, set);
		if (ret < 0)
			return ret;
	}
	return 0;
}

/*
 * The kernel keeps a registration when its number is closed, as long as the
 * socket has another: it is made by a number that is gone again at once.
 */
static void add_by_copy(struct pw_loan *loan, struct pw_watch *watch, int epfd)
{
	int copy = (int)pw_sys(SYS_fcntl, pw_loan_fd(loan), F_DUPFD_CLOEXEC,
			       watch->fd);

	if (copy < 0)
		return;
	pw_epoll_ctl(epfd, EPOLL_CTL_ADD, copy, &watch->event);
	pw_sys(SYS_close, copy);
}

/*
 * Whether a fork child that shares the set was quicker, and left what we would:
 * doing that again would arm once more what has fired since. Or the application
 * has registered the number anew, with other data, by an instruction of its
 * own: what we know may be about what it has freed.
 */
static bool is_done(int epfd, const struct pw_watch *watch)
{
	uint32_t always = EPOLLERR | EPOLLHUP;
	struct epoll_event there;

	if (pw_fdinfo_find(epfd, watch->fd, &there) != 1)
		return false;
	if (there.data.u64 != watch->event.data.u64)
		return !watch->is_modified;
	if (pw_is_spent(there.events))
		return watch->event.events & EPOLLONESHOT;
	return (there.events | always) == (watch->event.events | always);
}

static void resume(struct pw_loan *loan, struct pw_watch *watch)
{
	int epfd = pw_set_fd(watch->set);

	if (watch->is_dormant)
		return;
	if (pw_inode(watch->fd) != loan->ino)
		add_by_copy(loan, watch, epfd);
	else if (pw_epoll_ctl(epfd, EPOLL_CTL_ADD, watch->fd, &watch->event) ==
			 -EEXIST &&
		 !is_done(epfd, watch))
		pw_epoll_ctl(epfd, EPOLL_CTL_MOD, watch->fd, &watch->event);
	pw_watch_remove(loan, watch);
}

/*
 * Take a stand-in out. Where it is a one-shot that somebody has been told of,
 * by a wait that no hook saw, the application's has fired with it.
 */
static void withdraw(struct pw_loan *loan, struct pw_watch *watch)
{
	if ((watch->event.events & EPOLLONESHOT) && !watch->is_taken &&
	    pw_standin_has_fired(loan, watch->set)) {
		pw_watch_set_dormant(watch, true);
		watch->has_fired = true;
	}
	pw_standin_remove(loan, watch->set);
}

/**
 * pw_watches_withdraw() - Have the control connection show nothing any more
 * @loan: its control connection still open, so that it can be taken out
 */
void pw_watches_withdraw(struct pw_loan *loan)
{
	for (unsigned int i = loan->first_watch; i; i = pw_watch_at(i)->next)
		if (pw_watch_at(i)->has_standin)
			withdraw(loan, pw_watch_at(i));
}

/**
 * pw_watches_resume() - Give a socket's registrations back to the kernel
 * @loan: as for pw_watches_withdraw()
 */
void pw_watches_resume(struct pw_loan *loan)
{
	unsigned int next;

	pw_watches_withdraw(loan);
	for (unsigned int i = loan->first_watch; i; i = next) {
		next = pw_watch_at(i)->next;
		resume(loan, pw_watch_at(i));
	}
}

/**
 * pw_watch_told() - Find a watch that a stand-in's event may be about
 * @set: whose wait has reported it; -1: not known
 * @data: what came with it, which several watches may have
 * @at: the place of the last one found, 0 to begin with
 *
 * One-shots that were taken for fired by that are armed again.
 *
 * Return: the place of one whose loan is pending, 0 for none
 */
unsigned int pw_watch_told(int set, uint64_t data, unsigned int at)
{
	while ((at = pw_watch_with(data, at))) {
		struct pw_watch *watch = pw_watch_at(at);
		struct pw_loan *loan = &pw_loans[watch->loan];

		if (set >= 0 && watch->set != set)
			continue;
		if (watch->has_fired) {
			pw_watch_set_dormant(watch, false);
			resume(loan, watch);
			at = 0;
		} else if (loan->state == PW_LOAN_PENDING) {
			return at;
		}
	}
	return 0;
}

/**
 * pw_watches_move() - Change the number of a loan's control connection
 * @to: a duplicate of it, which the loan owns from here on; where the process
 *	has no descriptor left the loan fails
 */
void pw_watches_move(struct pw_loan *loan, int to)
{
	int from = loan->ctl;

	for (unsigned int i = loan->first_watch; i; i = pw_watch_at(i)->next)
		pw_standin_remove(loan, pw_watch_at(i)->set);
	pw_sys(SYS_close, from);
	loan->ctl = to < 0 ? -1 : to;
	pw_slot_set(to, PW_SLOT_CTL);
	pw_watches_stand_in(loan);
}

/* Forget a closed socket's registrations, as the kernel does at its close. */
void pw_watches_drop(struct pw_loan *loan)
{
	while (loan->first_watch) {
		struct pw_watch *watch = pw_watch_at(loan->first_watch);

		/* A fork child shares the set; the stand-in there is its
		 * parent's. */
		if (loan->owner == pw_self())
			pw_standin_remove(loan, watch->set);
		pw_watch_remove(loan, watch);
	}
}

/* An epoll descriptor is closed; with its last one goes the set. */
void pw_set_close(int epfd)
{
	int set = pw_set_of(epfd);

	if (set < 0 || pw_set_drop_fd(epfd))
		return;
	for (unsigned int i = 1; i < pw_loans_end && pw_set_has_standins(set);
	     i++) {
		struct pw_watch *watch;

		while (pw_loans[i].refs &&
		       (watch = pw_watch_find(&pw_loans[i], set, -1)))
			pw_watch_remove(&pw_loans[i], watch);
	}
	pw_set_forget(set);
}

/**
 * pw_set_next_loan() - Walk the loans that have a watch in a set
 * @set: which
 * @at: index of the last one found, 0 to begin with; moved on
 *
 * Return: whether there was another
 */
bool pw_set_next_loan(int set, unsigned int *at)
{
	while (++*at < pw_loans_end)
		if (pw_loans[*at].refs &&
		    pw_watch_find(&pw_loans[*at], set, -1))
			return true;
	return false;
}
