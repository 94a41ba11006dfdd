/* SPDX-License-Identifier: MIT */
/*
 * What a loan's control connection shows in an epoll set, in the place of its
 * socket. See epollset.h.
 */
#include "channel.h"
#include "watchlist.h"

static const uint32_t out_bits = EPOLLOUT | EPOLLWRNORM;
static const uint32_t in_bits = EPOLLIN | EPOLLRDNORM;

/*
 * The application's mask, as far as the control connection can show it at the
 * right moment. A connection that has just been made can be written to and has
 * nothing to read; ours has the reply to read by then. So nothing is said of
 * reading, unless the application asks for nothing else: it must hear
 * something, and finds out by its read(). Where it asks for neither, it hears
 * once that there is nothing that it has asked for.
 */
static uint32_t mask(uint32_t asked)
{
	uint32_t events = (asked & ~(EPOLLWAKEUP | EPOLLEXCLUSIVE)) |
			  PW_STANDIN_MARK;

	if (asked & out_bits)
		return events & ~in_bits;
	return asked & in_bits ? events : events | EPOLLET;
}

static struct pw_watch *next_in_turn(const struct pw_loan *loan, int set)
{
	for (unsigned int i = loan->first_watch; i; i = pw_watch_at(i)->next)
		if (pw_watch_at(i)->set == set && !pw_watch_at(i)->is_dormant)
			return pw_watch_at(i);
	return NULL;
}

/**
 * pw_standin_put() - Let the control connection stand in for a watch of a set
 * @loan: asked for already, or the helper might take what is held for it
 *
 * Where the socket has several watches in the set it is any of them, for they
 * all return when the application hears of one.
 *
 * Return: 0 or -errno; nothing stands in where all watches are dormant
 */
int pw_standin_put(struct pw_loan *loan, int set)
{
	struct pw_watch *watch = next_in_turn(loan, set);
	struct epoll_event event;
	int ret;

	if (!watch || loan->ctl < 0)
		return 0;
	if (!loan->is_held)
		pw_channel_hold(loan->ctl);
	loan->is_held = true;
	event.events = mask(watch->event.events);
	event.data = watch->event.data;
	ret = (int)pw_epoll_ctl(pw_set_fd(set), EPOLL_CTL_ADD, loan->ctl,
				&event);
	watch->has_standin = ret == 0;
	return ret;
}

/* Nothing stands in any more for the loan in that set. */
void pw_standin_remove(struct pw_loan *loan, int set)
{
	for (unsigned int i = loan->first_watch; i; i = pw_watch_at(i)->next)
		if (pw_watch_at(i)->set == set)
			pw_watch_at(i)->has_standin = false;
	if (loan->ctl >= 0)
		pw_epoll_ctl(pw_set_fd(set), EPOLL_CTL_DEL, loan->ctl, NULL);
}

/* Whether a stand-in, which is a one-shot, has been reported to somebody. */
bool pw_standin_has_fired(const struct pw_loan *loan, int set)
{
	struct epoll_event event;

	return pw_fdinfo_find(pw_set_fd(set), loan->ctl, &event) == 1 &&
	       pw_is_spent(event.events);
}
