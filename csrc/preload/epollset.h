/* SPDX-License-Identifier: MIT */
/**
 * DOC: Epoll registrations of a pending socket
 *
 * While a socket is pending it must show nothing, and a mask of 0 would still
 * report EPOLLHUP and EPOLLERR. So it is taken out of its epoll sets, each
 * registration is remembered as a *watch*, and the control connection stands
 * in: its data is the address of the loan, which no application can have
 * chosen. When the answer has come the stand-in leaves and the watches are
 * registered again, with what the application has made of them meanwhile.
 *
 * A set may have several descriptors; registrations belong to the set.
 * Everything here wants the lock of guard.h held, but for pw_epoll_saw().
 */
#ifndef PW_EPOLLSET_H
#define PW_EPOLLSET_H

#include "fdtable.h"

/* How many sets with stand-ins are waited for through another set. */
extern _Atomic int pw_nested_sets PW_HIDDEN;

/* Note that a descriptor was given to epoll_ctl(), and with which set. */
static inline void pw_epoll_saw(struct pw_tables *tables, int epfd, int fd)
{
	if ((unsigned int)fd < PW_FDS)
		tables->seen[(unsigned int)fd] = (uint16_t)(epfd + 1);
}

/* The loan that a stand-in's event is about, or NULL for the application's own.
 */
static inline struct pw_loan *pw_standin(const struct epoll_event *event)
{
	struct pw_loan *loans = pw_loans;
	uintptr_t at = (uintptr_t)event->data.u64 - (uintptr_t)loans;

	if (pw_likely(at >= sizeof(pw_loans)))
		return NULL;
	return &loans[at / sizeof(loans[0])];
}

int pw_set_of(int epfd) PW_HIDDEN;
int pw_set_learn(int epfd) PW_HIDDEN;
void pw_set_dup(int from, int to) PW_HIDDEN;
void pw_set_close(int epfd) PW_HIDDEN;
int pw_set_fd(int set) PW_HIDDEN;
bool pw_set_has_standins(int set) PW_HIDDEN;
bool pw_set_is_nested(int set) PW_HIDDEN;
void pw_set_count(int set, int change) PW_HIDDEN;
int pw_set_drop_fd(int epfd) PW_HIDDEN;
void pw_set_forget(int set) PW_HIDDEN;
void pw_set_watched(int set) PW_HIDDEN;

int pw_watch_add(struct pw_loan *loan, int epfd, int fd,
		 const struct epoll_event *event) PW_HIDDEN;
int pw_watch_mod(struct pw_loan *loan, int epfd, int fd,
		 const struct epoll_event *event) PW_HIDDEN;
int pw_watch_del(struct pw_loan *loan, int epfd, int fd) PW_HIDDEN;
bool pw_watches_suspend(struct pw_loan *loan, int fd) PW_HIDDEN;
void pw_watches_resume(struct pw_loan *loan) PW_HIDDEN;
void pw_watches_move(struct pw_loan *loan, int to) PW_HIDDEN;
void pw_watches_drop(struct pw_loan *loan) PW_HIDDEN;
bool pw_set_next_loan(int set, unsigned int *at) PW_HIDDEN;

int pw_fdinfo_find(int epfd, int fd, struct epoll_event *out) PW_HIDDEN;

#endif
