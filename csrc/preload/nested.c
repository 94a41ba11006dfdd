/* SPDX-License-Identifier: MIT */
#include "nested.h"

#include "guard.h"
#include "lend.h"
#include "watchlist.h"

/**
 * pw_set_settle() - Settle every loan that stands in for something in a set
 * @set: which, or -1
 *
 * Return: whether one of them is not pending any more
 * Context: lock held
 */
bool pw_set_settle(int set)
{
	bool changed = false;

	for (unsigned int i = 0; set >= 0 && pw_set_next_loan(set, &i);)
		changed |= pw_settle(&pw_loans[i]);
	return changed;
}

/**
 * pw_standin_settle() - Settle what a stand-in's event is about
 * @epfd: the set whose wait has reported it
 * @event: marked
 *
 * Return: whether it is the application's own after all, which asks for the
 *	mark itself
 * Context: takes the lock
 */
bool pw_standin_settle(int epfd, const struct epoll_event *event)
{
	bool is_theirs = atomic_load(&pw_mark_is_asked);
	unsigned int i = 0;
	PW_GUARD guard = { 0 };

	if (!pw_guard_enter(&guard))
		return is_theirs;
	while ((i = pw_watch_told(pw_set_of(epfd), event->data.u64, i))) {
		struct pw_watch *watch = pw_watch_at(i);

		/* The answer is there before the stand-in stirs. */
		watch->is_taken = true;
		if (pw_settle(&pw_loans[watch->loan]))
			i = 0; /* the list is another one now */
		else
			watch->is_taken = false;
		is_theirs = false;
	}
	return is_theirs;
}

static bool is_readable(int fd)
{
	struct pollfd one = { .fd = fd, .events = POLLIN };
	struct timespec zero = { 0 };

	return pw_sys(SYS_ppoll, &one, 1, &zero, NULL, 8) > 0;
}

static bool has_data(const struct epoll_event *events, int n, uint64_t data)
{
	for (int i = 0; i < n; i++)
		if (events[i].data.u64 == data)
			return true;
	return false;
}

static int without(struct epoll_event *events, int n, uint64_t data)
{
	int kept = 0;

	for (int i = 0; i < n; i++)
		if (events[i].data.u64 != data)
			events[kept++] = events[i];
	return kept;
}

static int filter(int epfd, int set, struct epoll_event *events, int n)
{
	struct epoll_event inner;
	int fd = pw_set_fd(set);

	if (!pw_registration_of(epfd, fd, &inner) ||
	    !has_data(events, n, inner.data.u64))
		return n;
	pw_set_settle(set);
	/*
	 * A look too many costs little, an event too few is a hang: a one-shot
	 * is disarmed by now, the kernel may know of no such registration any
	 * more, or of another one with the same data.
	 */
	if (is_readable(fd) || (inner.events & EPOLLONESHOT) ||
	    !pw_fdinfo_is_told_by(epfd, fd, inner.data.u64))
		return n;
	return without(events, n, inner.data.u64);
}

/**
 * pw_filter_nested() - Take out events of inner sets that only a stand-in
 * stirred
 * @epfd: the outer set
 * @events: what its wait has reported
 * @n: how many
 *
 * Return: how many are left
 */
int pw_filter_nested(int epfd, struct epoll_event *events, int n)
{
	PW_GUARD guard = { 0 };

	if (!pw_guard_enter(&guard))
		return n;
	for (int set = 0; set < PW_SETS; set++)
		if (pw_set_is_nested(set) && set != pw_set_of(epfd))
			n = filter(epfd, set, events, n);
	return n;
}
