/* SPDX-License-Identifier: MIT */
/*
 * The registrations that are suspended, found by their loan or by their data.
 * Everything here wants the lock of guard.h held.
 */
#ifndef PW_WATCHLIST_H
#define PW_WATCHLIST_H

#include "epollset.h"

/**
 * struct pw_watch - a registration that the kernel does not have at the moment
 * @next: of the same loan, 0 ends the list
 * @chain: of those whose data has the same hash, 0 ends the list
 * @set: which set, an index of sets
 * @has_standin: the stand-in in that set is this one's
 * @is_dormant: a one-shot that has fired, before the socket was lent or by its
 *	stand-in; adding it would arm it again, so it waits for the
 *	application's EPOLL_CTL_MOD
 * @has_fired: it is dormant by its stand-in
 * @is_modified: the application has changed it since, by EPOLL_CTL_MOD
 * @is_taken: what the stand-in reported never reached the application
 * @loan: whose it is, an index of pw_loans
 * @fd: the registered descriptor
 */
struct pw_watch {
	uint16_t next;
	uint16_t chain;
	uint16_t set;
	bool is_used;
	bool has_standin;
	bool is_dormant;
	bool has_fired;
	bool is_taken;
	bool is_modified;
	uint16_t loan;
	int fd;
	struct epoll_event event;
};

/* Options that stay in the mask of a one-shot that has fired. */
static const uint32_t pw_private_bits = EPOLLONESHOT | EPOLLET | EPOLLWAKEUP |
					EPOLLEXCLUSIVE;

/* Whether it is the mask of a one-shot that has fired, and is not armed. */
static inline bool pw_is_spent(uint32_t events)
{
	return (events & EPOLLONESHOT) && !(events & ~pw_private_bits);
}

static inline long pw_epoll_ctl(int epfd, int op, int fd,
				struct epoll_event *event)
{
	return pw_sys(SYS_epoll_ctl, epfd, op, fd, event);
}

struct pw_watch *pw_watch_new(struct pw_loan *loan, int set, int fd,
			      const struct epoll_event *event) PW_HIDDEN;
struct pw_watch *pw_watch_at(unsigned int place) PW_HIDDEN;
struct pw_watch *pw_watch_find(const struct pw_loan *loan, int set,
			       int fd) PW_HIDDEN;
unsigned int pw_watch_with(uint64_t data, unsigned int at) PW_HIDDEN;
void pw_watch_set_event(struct pw_watch *watch,
			const struct epoll_event *event) PW_HIDDEN;
void pw_watch_set_dormant(struct pw_watch *watch, bool is_dormant) PW_HIDDEN;
void pw_watch_remove(struct pw_loan *loan, struct pw_watch *watch) PW_HIDDEN;

int pw_standin_put(struct pw_loan *loan, int set) PW_HIDDEN;
void pw_standin_remove(struct pw_loan *loan, int set) PW_HIDDEN;
bool pw_standin_has_fired(const struct pw_loan *loan, int set) PW_HIDDEN;

#endif
