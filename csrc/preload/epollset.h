/* SPDX-License-Identifier: MIT */
/**
 * DOC: Epoll registrations of a pending socket
 *
 * While a socket is pending it must show nothing, and a mask of 0 would still
 * report EPOLLHUP and EPOLLERR. So it is taken out of its epoll sets, each
 * registration is remembered as a *watch*, and the control connection stands
 * in. When the answer has come the stand-in leaves and the watches are
 * registered again, with what the application has made of them meanwhile.
 *
 * A program may wait by a system call of its own, which no hook sees. So the
 * stand-in has the application's own data, and what it shows is true: nothing
 * until the answer has come, then that the socket can be written to, or its
 * error. The control connection cannot be written to while a message that we
 * sent lies unread (pw_channel_hold()); the helper reads it when the socket is
 * connected, and hangs up over it when it is not, which shows EPOLLOUT,
 * EPOLLERR and EPOLLHUP. Whatever the program does next is a hook's, and
 * settles the loan.
 *
 * Hooks know a stand-in's event by a bit of its mask, PW_STANDIN_MARK.
 *
 * A set may have several descriptors; registrations belong to the set.
 * Everything here wants the lock of guard.h held, but for pw_epoll_saw().
 */
#ifndef PW_EPOLLSET_H
#define PW_EPOLLSET_H

#include "fdtable.h"

/* How many sets with stand-ins are waited for through another set. */
extern _Atomic int pw_nested_sets PW_HIDDEN;

/* Reported of Unix sockets that can be written to, and never of TCP sockets. */
#define PW_STANDIN_MARK EPOLLWRBAND

/* Whether the application has ever asked for what marks a stand-in. */
extern _Atomic bool pw_mark_is_asked PW_HIDDEN;

/* A number's registration in a second set. */
static inline struct pw_also *pw_also_at(struct pw_tables *tables, int fd)
{
	return &tables->also[(unsigned int)fd % PW_ALSO];
}

/* A number names something new, which is in no set. */
static inline void pw_epoll_is_new(struct pw_tables *tables, int fd)
{
	struct pw_also *also = pw_also_at(tables, fd);

	tables->registered[(unsigned int)fd].set = 0;
	tables->registered[(unsigned int)fd].is_many = false;
	if (also->fd == fd)
		also->in.set = 0;
}

void pw_epoll_leave(int fd) PW_HIDDEN;
struct pw_registered *pw_epoll_place(struct pw_tables *tables, int fd,
				     unsigned int set, bool is_new) PW_HIDDEN;

/* Note what epoll_ctl() has just done. */
static inline void pw_epoll_saw(struct pw_tables *tables, int epfd, int op,
				int fd, const struct epoll_event *event)
{
	struct pw_registered *last;

	if ((unsigned int)fd >= PW_FDS || (unsigned int)epfd >= PW_FDS - 1)
		return;
	last = &tables->registered[(unsigned int)fd];
	if (op == EPOLL_CTL_DEL && last->is_many)
		return;
	if (last->set != (unsigned int)epfd + 1)
		last = pw_epoll_place(tables, fd, (unsigned int)epfd + 1,
				      op != EPOLL_CTL_DEL);
	if (op == EPOLL_CTL_DEL) {
		if (last)
			last->set = 0;
		return;
	}
	last->set = (uint16_t)(epfd + 1);
	last->events = event->events;
	last->data = event->data.u64;
	if (pw_unlikely(event->events & PW_STANDIN_MARK))
		atomic_store(&pw_mark_is_asked, true);
}

static inline bool pw_is_marked(const struct epoll_event *event)
{
	return pw_unlikely(event->events & PW_STANDIN_MARK);
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
int pw_watches_stand_in(struct pw_loan *loan) PW_HIDDEN;
void pw_watches_withdraw(struct pw_loan *loan) PW_HIDDEN;
void pw_watches_resume(struct pw_loan *loan) PW_HIDDEN;
void pw_watches_move(struct pw_loan *loan, int to) PW_HIDDEN;
void pw_watches_drop(struct pw_loan *loan) PW_HIDDEN;
unsigned int pw_watch_told(int set, uint64_t data, unsigned int at) PW_HIDDEN;
bool pw_set_next_loan(int set, unsigned int *at) PW_HIDDEN;

bool pw_registration_of(int epfd, int fd, struct epoll_event *out) PW_HIDDEN;
int pw_fdinfo_find(int epfd, int fd, struct epoll_event *out) PW_HIDDEN;
bool pw_fdinfo_is_told_by(int epfd, int fd, uint64_t data) PW_HIDDEN;

#endif
