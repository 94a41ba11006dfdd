/* SPDX-License-Identifier: MIT */
/* What other calls than connect() see of a lent socket. */
#include "lend.h"

#include "arguments.h"
#include "channel.h"
#include "epollset.h"
#include "guard.h"

/* In a vfork child the table is the parent's, and not settled. */
static int before_io_borrowed(int fd, const struct pw_loan *loan)
{
	struct pw_reply reply;
	int ctl = loan->ctl;

	if (loan->state != PW_LOAN_PENDING || loan->ino != pw_inode(fd) ||
	    ctl < 0 || pw_channel_peek(ctl, &reply))
		return PW_GO_ON;
	return -EAGAIN;
}

/**
 * pw_before_io() - Whether bytes may pass now
 * @fd: to be read, written, sent through
 * @flags: MSG_DONTWAIT, or 0
 * @timeout: the option that limits the wait, SO_RCVTIMEO or SO_SNDTIMEO
 * @check: what there is against the call's arguments; see arguments.h
 *
 * No byte of the application's gets into a handshake, nor the other way.
 *
 * Return: PW_GO_ON; or the call's result: @check, -EAGAIN while pending, the
 *	error of a failed connect
 */
int pw_before_io(int fd, int flags, int timeout, int check)
{
	struct pw_loan *loan = pw_loan_in_slot(fd);
	uint32_t generation;
	int ret;

	if (!loan)
		return PW_GO_ON;
	{
		PW_GUARD guard = { 0 };

		if (!pw_guard_enter(&guard))
			return before_io_borrowed(fd, loan);
		loan = pw_loan_of(fd);
		if (!loan)
			return PW_GO_ON;
		pw_settle(loan);
		if (!pw_needs_attention(loan))
			return PW_GO_ON;
		if (check != PW_GO_ON)
			return check;
		if (loan->state == PW_LOAN_PENDING &&
		    ((flags & MSG_DONTWAIT) || pw_is_nonblocking(fd)))
			return -EAGAIN;
		if (loan->state == PW_LOAN_PENDING)
			pw_copy_timeout(fd, loan->ctl, timeout);
		generation = loan->generation;
	}
	ret = pw_wait_pending(fd, loan, generation);
	if (ret == -EINPROGRESS)
		return -EAGAIN;
	if (ret == -ECANCELED)
		return PW_GO_ON; /* the socket itself knows why */
	if (ret == 0)
		ret = -pw_take_error(fd);
	return ret < 0 ? ret : PW_GO_ON;
}

/**
 * pw_await() - Wait until a socket is not pending
 * @fd: about to be handed to someone who knows nothing of the loan
 */
void pw_await(int fd)
{
	struct pw_loan *loan;
	uint32_t generation;

	if (!pw_loan_in_slot(fd))
		return;
	{
		PW_GUARD guard = { 0 };

		if (!pw_guard_enter(&guard))
			return;
		loan = pw_loan_of(fd);
		if (!loan || pw_settle(loan))
			return;
		generation = loan->generation;
	}
	while (pw_wait_pending(fd, loan, generation) == -EINTR)
		;
}

/**
 * pw_take_error() - The pending error of a socket, which is cleared by that
 * @fd: any descriptor
 *
 * Return: an errno; 0 for none, or while pending
 */
int pw_take_error(int fd)
{
	struct pw_loan *loan;
	PW_GUARD guard = { 0 };
	int unused;
	socklen_t n = sizeof(unused);

	if (!pw_guard_enter(&guard))
		return 0;
	loan = pw_loan_of(fd);
	if (!loan || !pw_settle(loan) || loan->state != PW_LOAN_FAILED)
		return 0;
	/* The helper left a genuine error there, for poll to show; it has
	 * one kind only. */
	pw_sys(SYS_getsockopt, fd, SOL_SOCKET, SO_ERROR, &unused, &n);
	pw_loan_set_state(loan, PW_LOAN_SPENT);
	return loan->error;
}

/**
 * pw_peer_of() - The address that a lent socket was asked to connect to
 * @out: where to
 *
 * Return: whether it is connected to it through the helper
 */
bool pw_peer_of(int fd, struct pw_addr *out)
{
	struct pw_loan *loan;
	PW_GUARD guard = { 0 };

	if (!pw_guard_enter(&guard))
		return false;
	loan = pw_loan_of(fd);
	if (!loan || !pw_settle(loan))
		return false;
	*out = loan->dest;
	return out->family && (loan->state == PW_LOAN_CONNECTED ||
			       loan->state == PW_LOAN_PROXIED);
}

/**
 * pw_state_of() - The state of a socket, after a look for the reply
 *
 * Return: PW_LOAN_FREE for one that is not lent
 */
enum pw_loan_state pw_state_of(int fd)
{
	struct pw_loan *loan;
	PW_GUARD guard = { 0 };

	if (!pw_guard_enter(&guard))
		return PW_LOAN_FREE;
	loan = pw_loan_of(fd);
	if (!loan)
		return PW_LOAN_FREE;
	pw_settle(loan);
	return (enum pw_loan_state)loan->state;
}
