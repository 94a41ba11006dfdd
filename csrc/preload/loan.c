/* SPDX-License-Identifier: MIT */
#include "loan.h"

#include "channel.h"
#include "epollset.h"
#include "guard.h"
#include "lifeline.h"

#include <fcntl.h>

/* Leave a socket unconnected, whatever the helper has made of it. */
void pw_disconnect(int fd)
{
	struct sockaddr unspec = { .sa_family = AF_UNSPEC };
	int error;
	socklen_t n = sizeof(error);

	if (fd < 0)
		return;
	pw_sys(SYS_connect, fd, &unspec, sizeof(unspec));
	/* The kernel notes an ECONNRESET for what it has broken off. */
	pw_sys(SYS_getsockopt, fd, SOL_SOCKET, SO_ERROR, &error, &n);
}

static void close_ctl(struct pw_loan *loan)
{
	if (loan->ctl < 0)
		return;
	pw_slot_set(loan->ctl, PW_SLOT_NONE);
	pw_sys(SYS_close, loan->ctl);
	loan->ctl = -1;
}

/* Nothing of the loan is left but its generation. */
static void release(struct pw_loan *loan)
{
	pw_watches_drop(loan);
	close_ctl(loan);
	pw_loan_free(loan);
}

/**
 * pw_forget() - A descriptor does not name its loan any more
 * @fd: closed, about to be closed, or found to be something else
 */
void pw_forget(int fd)
{
	struct pw_loan *loan = pw_loan_in_slot(fd);

	if (!loan)
		return;
	pw_slot_set(fd, PW_SLOT_NONE);
	if (loan->refs > 1)
		loan->refs--;
	else
		release(loan);
}

/* The helper was told to let go, and has not done so yet. */
void pw_loan_give_up(struct pw_loan *loan)
{
	close_ctl(loan);
	pw_loan_set_state(loan, PW_LOAN_GIVEN_UP);
}

/**
 * pw_before_last_close() - Have epoll sets forget what the helper may still
 * have
 * @fd: about to be closed, whatever it is
 *
 * The kernel does that when the last descriptor is closed, which would be the
 * helper's.
 */
void pw_before_last_close(int fd)
{
	const struct pw_loan *loan = pw_loan_in_slot(fd);

	if (loan && loan->state == PW_LOAN_GIVEN_UP && loan->refs == 1 &&
	    loan->owner == pw_self() && loan->ino == pw_inode(fd))
		pw_epoll_leave(fd);
}

/* pw_forget() from outside the lock, for whatever the table has there. */
void pw_lock_and_forget(int fd)
{
	PW_GUARD guard = { 0 };

	if (!pw_guard_enter(&guard))
		return;
	pw_set_close(fd);
	pw_forget(fd);
}

/* The loan of a socket, NULL where it is not lent; stale records are dropped.
 */
struct pw_loan *pw_loan_of(int fd)
{
	struct pw_loan *loan = pw_loan_in_slot(fd);

	if (!loan || loan->ino == pw_inode(fd))
		return loan;
	pw_forget(fd);
	return NULL;
}

/* A second descriptor of a lent socket. */
void pw_loan_dup(int from, int to)
{
	struct pw_loan *loan = pw_loan_of(from);

	if (!loan || (unsigned int)to >= PW_FDS)
		return;
	pw_slot_set(to, (unsigned int)(loan - pw_loans));
	loan->refs++;
}

static void move_ctl(int fd)
{
	for (unsigned int i = 1; i < pw_loans_end; i++) {
		struct pw_loan *loan = &pw_loans[i];

		if (!loan->refs || loan->ctl != fd)
			continue;
		pw_slot_set(fd, PW_SLOT_NONE);
		pw_watches_move(loan, (int)pw_sys(SYS_fcntl, fd,
						  F_DUPFD_CLOEXEC, fd + 1));
		return;
	}
}

/**
 * pw_vacate() - Make room for the application's own use of a number
 * @fd: the application is about to dup2 over it; what it names there is
 *	closed by that, but a control connection moves away
 */
void pw_vacate(int fd)
{
	if (pw_slot(fd) == PW_SLOT_CTL && !pw_lifeline_move(fd))
		move_ctl(fd);
	pw_set_close(fd);
	pw_forget(fd);
}

static void finish(struct pw_loan *loan, const struct pw_reply *reply)
{
	bool is_gone = reply->version != PW_WIRE_VERSION;

	/* The helper died in mid-handshake: what the socket is connected to
	 * now is a proxy that waits for a request. */
	if (is_gone)
		pw_disconnect(pw_loan_fd(loan));
	loan->error = reply->error;
	if (reply->count)
		loan->dest.family =
			AF_UNSPEC; /* direct: the kernel knows best */
	pw_watches_resume(loan);
	close_ctl(loan);
	pw_loan_set_state(loan,
			  reply->error ? PW_LOAN_FAILED : PW_LOAN_CONNECTED);
}

/**
 * pw_settle() - See whether a pending loan's reply has come
 *
 * Return: whether the loan is not pending (any more)
 */
bool pw_settle(struct pw_loan *loan)
{
	struct pw_reply reply;

	if (loan->state != PW_LOAN_PENDING)
		return true;
	if (!pw_channel_peek(loan->ctl, &reply))
		return false;
	finish(loan, &reply);
	return true;
}

/*
 * See whose reply has come, though nobody waits for it: each of these gives a
 * descriptor back.
 */
void pw_lock_and_settle_all(void)
{
	PW_GUARD guard = { 0 };

	if (!pw_guard_enter(&guard))
		return;
	for (unsigned int i = 1; i < pw_loans_end; i++)
		if (pw_loans[i].refs)
			pw_settle(&pw_loans[i]);
}
