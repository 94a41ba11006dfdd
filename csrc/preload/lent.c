/* SPDX-License-Identifier: MIT */
/* What other calls than connect() see of a lent socket. */
#include "lend.h"

#include "epollset.h"
#include "guard.h"

/**
 * pw_before_io() - Whether bytes may pass now
 * @fd: to be read, written, sent through
 * @flags: MSG_DONTWAIT, or 0
 * @timeout: the option that limits the wait, SO_RCVTIMEO or SO_SNDTIMEO
 *
 * No byte of the application's gets into a handshake, nor the other way.
 *
 * Return: 0: go on; -EAGAIN while pending; the error of a failed connect
 */
int pw_before_io(int fd, int flags, int timeout)
{
	struct pw_loan *loan = pw_loan_in_slot(fd);
	uint32_t generation;
	int ret;

	if (!loan || !pw_needs_attention(loan))
		return 0;
	{
		PW_GUARD guard = { 0 };

		if (!pw_guard_enter(&guard))
			return 0;
		loan = pw_loan_of(fd);
		if (!loan)
			return 0;
		if (!pw_settle(loan) &&
		    ((flags & MSG_DONTWAIT) || pw_is_nonblocking(fd)))
			return -EAGAIN;
		if (loan->state != PW_LOAN_PENDING &&
		    loan->state != PW_LOAN_FAILED)
			return 0;
		if (loan->state == PW_LOAN_PENDING)
			pw_copy_timeout(fd, loan->ctl, timeout);
		generation = loan->generation;
	}
	ret = pw_wait_pending(fd, loan, generation);
	if (ret == -EINPROGRESS)
		return -EAGAIN;
	return ret < 0 ? ret : -pw_take_error(fd);
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

/**
 * pw_cancel() - The application gives its connect up but keeps the socket
 * @fd: any descriptor
 */
void pw_cancel(int fd)
{
	struct pw_loan *loan;
	PW_GUARD guard = { 0 };

	if (!pw_guard_enter(&guard))
		return;
	loan = pw_loan_of(fd);
	if (!loan || loan->state == PW_LOAN_CONNECTED ||
	    loan->state == PW_LOAN_PROXIED)
		return;
	pw_watches_resume(loan);
	if (loan->state == PW_LOAN_PENDING)
		pw_disconnect(fd); /* the helper will only hear of it */
	pw_forget(fd);
}
