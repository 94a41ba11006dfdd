/* SPDX-License-Identifier: MIT */
#include "epollset.h"

#include "guard.h"

#include <fcntl.h>

/**
 * struct watch - a registration that the kernel does not have at the moment
 * @set: which set, an index of sets
 * @fd: the registered descriptor
 * @is_dormant: a one-shot that had fired before the socket was lent; adding it
 *	would arm it again, so it waits for the application's EPOLL_CTL_MOD
 */
struct watch {
	uint16_t next;
	uint16_t set;
	bool is_used;
	bool is_dormant;
	int fd;
	struct epoll_event event;
};

static struct watch *watches; /* PW_WATCHES of them, mapped when first needed */
static unsigned int free_watch = 1; /* none below it is free; 0 ends a list */

/* Options that stay in the mask of a one-shot that has fired. */
static const uint32_t private_bits = EPOLLONESHOT | EPOLLET | EPOLLWAKEUP |
				     EPOLLEXCLUSIVE;

static long ctl(int epfd, int op, int fd, struct epoll_event *event)
{
	return pw_sys(SYS_epoll_ctl, epfd, op, fd, event);
}

static struct watch *new_watch(struct pw_loan *loan, int set, int fd)
{
	if (!watches)
		watches = pw_map_zeroes(PW_WATCHES * sizeof(*watches));
	for (unsigned int i = free_watch; watches && i < PW_WATCHES; i++) {
		if (watches[i].is_used)
			continue;
		free_watch = i + 1;
		watches[i] = (struct watch){
			.next = loan->first_watch,
			.set = (uint16_t)set,
			.is_used = true,
			.fd = fd,
		};
		loan->first_watch = (uint16_t)i;
		pw_set_count(set, 1);
		return &watches[i];
	}
	return NULL;
}

static struct watch *find_watch(const struct pw_loan *loan, int set, int fd)
{
	for (unsigned int i = loan->first_watch; i; i = watches[i].next)
		if (watches[i].set == set && (fd < 0 || watches[i].fd == fd))
			return &watches[i];
	return NULL;
}

static void set_dormant(struct watch *watch, bool is_dormant)
{
	/* While one is left, epoll_ctl() must not take its fast path. */
	atomic_fetch_add(&pw_attention.busy, is_dormant - watch->is_dormant);
	watch->is_dormant = is_dormant;
}

static void remove_watch(struct pw_loan *loan, struct watch *watch)
{
	uint16_t *link = &loan->first_watch;

	while (&watches[*link] != watch)
		link = &watches[*link].next;
	*link = watch->next;
	set_dormant(watch, false);
	pw_set_count(watch->set, -1);
	watch->is_used = false;
	if (watch - watches < free_watch)
		free_watch = (unsigned int)(watch - watches);
}

static int add_standin(struct pw_loan *loan, int epfd)
{
	struct epoll_event event = { .events = EPOLLIN,
				     .data.u64 = (uintptr_t)loan };

	return (int)ctl(epfd, EPOLL_CTL_ADD, loan->ctl, &event);
}

static void remove_standin(struct pw_loan *loan, int set)
{
	if (loan->ctl >= 0)
		ctl(pw_set_fd(set), EPOLL_CTL_DEL, loan->ctl, NULL);
}

/**
 * pw_watch_add() - EPOLL_CTL_ADD on a pending socket
 *
 * Return: 0 or what the kernel would have answered, as -errno
 */
int pw_watch_add(struct pw_loan *loan, int epfd, int fd,
		 const struct epoll_event *event)
{
	struct watch *watch;
	int set = pw_set_learn(epfd), ret;

	if (set < 0)
		return set;
	if (find_watch(loan, set, fd))
		return -EEXIST;
	ret = find_watch(loan, set, -1) ? 0 : add_standin(loan, epfd);
	if (ret < 0 && !pw_set_has_standins(set))
		pw_set_close(epfd); /* it is none, perhaps */
	if (ret < 0)
		return ret;
	watch = new_watch(loan, set, fd);
	if (!watch) {
		remove_standin(loan, set);
		return -ENOSPC;
	}
	watch->event = *event;
	return 0;
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
	int set = pw_set_of(epfd), ret = 0;
	struct watch *watch = set < 0 ? NULL : find_watch(loan, set, fd);

	if (!watch)
		return -ENOENT;
	if (watch->event.events & EPOLLEXCLUSIVE)
		return -EINVAL;
	watch->event = *event;
	set_dormant(watch, false);
	if (loan->state != PW_LOAN_PENDING) {
		ret = (int)ctl(epfd, EPOLL_CTL_ADD, fd, &watch->event);
		remove_watch(loan, watch);
	}
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
	struct watch *watch = set < 0 ? NULL : find_watch(loan, set, fd);

	if (!watch)
		return -ENOENT;
	remove_watch(loan, watch);
	if (!find_watch(loan, set, -1))
		remove_standin(loan, set);
	return 0;
}

static bool suspend_in(struct pw_loan *loan, int epfd, int fd)
{
	struct epoll_event event;
	int found = pw_fdinfo_find(epfd, fd, &event);

	if (found < 0)
		return pw_inode(epfd) == 0; /* a set that was closed since */
	if (found == 0)
		return true;
	if (pw_watch_add(loan, epfd, fd, &event) < 0)
		return false;
	ctl(epfd, EPOLL_CTL_DEL, fd, NULL);
	if ((event.events & EPOLLONESHOT) && !(event.events & ~private_bits))
		set_dormant(find_watch(loan, pw_set_of(epfd), fd), true);
	return true;
}

/**
 * pw_watches_suspend() - Take a socket out of all epoll sets that have it
 * @loan: with its control connection, which stands in
 * @fd: the socket
 *
 * Return: whether that could be done; it needs /proc
 */
bool pw_watches_suspend(struct pw_loan *loan, int fd)
{
	int last = (int)pw_mapped()->seen[fd] - 1;

	if (last < 0)
		return true;
	if (pw_set_of(last) < 0 && !suspend_in(loan, last, fd))
		return false;
	for (int set = 0; set < PW_SETS; set++)
		if (pw_set_fd(set) >= 0 &&
		    !suspend_in(loan, pw_set_fd(set), fd))
			return false;
	return true;
}

/*
 * The kernel keeps a registration when its number is closed, as long as the
 * socket has another: it is made by a number that is gone again at once.
 */
static void add_by_copy(struct pw_loan *loan, struct watch *watch, int epfd)
{
	int copy = (int)pw_sys(SYS_fcntl, pw_loan_fd(loan), F_DUPFD_CLOEXEC,
			       watch->fd);

	if (copy < 0)
		return;
	ctl(epfd, EPOLL_CTL_ADD, copy, &watch->event);
	pw_sys(SYS_close, copy);
}

/*
 * Whether a fork child that shares the set was quicker, and left what we would:
 * doing that again would arm once more what has fired since.
 */
static bool is_done(int epfd, const struct watch *watch)
{
	uint32_t always = EPOLLERR | EPOLLHUP;
	struct epoll_event there;

	if (pw_fdinfo_find(epfd, watch->fd, &there) != 1 ||
	    there.data.u64 != watch->event.data.u64)
		return false;
	if ((there.events & EPOLLONESHOT) && !(there.events & ~private_bits))
		return watch->event.events & EPOLLONESHOT;
	return (there.events | always) == (watch->event.events | always);
}

static void resume(struct pw_loan *loan, struct watch *watch)
{
	int epfd = pw_set_fd(watch->set);

	if (watch->is_dormant)
		return;
	if (pw_inode(watch->fd) != loan->ino)
		add_by_copy(loan, watch, epfd);
	else if (ctl(epfd, EPOLL_CTL_ADD, watch->fd, &watch->event) ==
			 -EEXIST &&
		 !is_done(epfd, watch))
		ctl(epfd, EPOLL_CTL_MOD, watch->fd, &watch->event);
	remove_watch(loan, watch);
}

/**
 * pw_watches_resume() - Give a socket's registrations back to the kernel
 * @loan: its control connection still open, so that it can be taken out
 */
void pw_watches_resume(struct pw_loan *loan)
{
	unsigned int next;

	for (unsigned int i = loan->first_watch; i; i = watches[i].next)
		remove_standin(loan, watches[i].set);
	for (unsigned int i = loan->first_watch; i; i = next) {
		next = watches[i].next;
		resume(loan, &watches[i]);
	}
}

/**
 * pw_watches_move() - Change the number of a loan's control connection
 * @to: a duplicate of it, which the loan owns from here on; where the process
 *	has no descriptor left the loan fails
 */
void pw_watches_move(struct pw_loan *loan, int to)
{
	int from = loan->ctl;

	for (unsigned int i = loan->first_watch; i; i = watches[i].next)
		remove_standin(loan, watches[i].set);
	pw_sys(SYS_close, from);
	loan->ctl = to < 0 ? -1 : to;
	pw_slot_set(to, PW_SLOT_CTL);
	for (unsigned int i = loan->first_watch; i && to >= 0;
	     i = watches[i].next)
		add_standin(loan, pw_set_fd(watches[i].set));
}

/* Forget a closed socket's registrations, as the kernel does at its close. */
void pw_watches_drop(struct pw_loan *loan)
{
	while (loan->first_watch) {
		struct watch *watch = &watches[loan->first_watch];

		/* A fork child shares the set; the stand-in there is its
		 * parent's. */
		if (loan->owner == pw_self())
			remove_standin(loan, watch->set);
		remove_watch(loan, watch);
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
		struct watch *watch;

		while (pw_loans[i].refs &&
		       (watch = find_watch(&pw_loans[i], set, -1)))
			remove_watch(&pw_loans[i], watch);
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
		if (pw_loans[*at].refs && find_watch(&pw_loans[*at], set, -1))
			return true;
	return false;
}
