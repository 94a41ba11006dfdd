/* SPDX-License-Identifier: MIT */
#include "lend.h"

#include "channel.h"
#include "epollset.h"
#include "guard.h"
#include "libc.h"

#include <fcntl.h>

_Atomic bool pw_lent_ever;

static void disconnect(int fd)
{
	struct sockaddr unspec = { .sa_family = AF_UNSPEC };

	if (fd >= 0)
		pw_sys(SYS_connect, fd, &unspec, sizeof(unspec));
}

static bool is_nonblocking(int fd)
{
	return pw_sys(SYS_fcntl, fd, F_GETFL) & O_NONBLOCK;
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

/* The same, from outside the lock, for whatever the table has there. */
void pw_lock_and_forget(int fd)
{
	PW_GUARD guard = { 0 };

	if (!pw_guard_enter(&guard))
		return;
	pw_set_close(fd);
	pw_forget(fd);
}

/* The loan of a socket, NULL where it is not lent; stale records are dropped. */
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
		pw_watches_move(loan, (int)pw_sys(SYS_fcntl, fd, F_DUPFD_CLOEXEC, fd + 1));
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
	if (pw_slot(fd) == PW_SLOT_CTL)
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
		disconnect(pw_loan_fd(loan));
	loan->error = reply->error;
	if (reply->count)
		loan->dest.family = AF_UNSPEC; /* direct: the kernel knows best */
	pw_watches_resume(loan);
	close_ctl(loan);
	pw_loan_set_state(loan, reply->error ? PW_LOAN_FAILED : PW_LOAN_CONNECTED);
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
 * What connect() reports for a loan that is not pending. A failed socket is
 * made fresh: the kernel lets it be connected again.
 */
static int conclude(struct pw_loan *loan, int fd)
{
	int error = loan->error;

	switch ((enum pw_loan_state)loan->state) {
	case PW_LOAN_CONNECTED:
		pw_loan_set_state(loan, PW_LOAN_PROXIED);
		return 0;
	case PW_LOAN_PROXIED:
		return -EISCONN;
	case PW_LOAN_SPENT:
		error = ECONNABORTED;
		break;
	case PW_LOAN_FREE:
	case PW_LOAN_PENDING:
	case PW_LOAN_FAILED:
		break;
	}
	disconnect(fd);
	pw_forget(fd);
	return -error;
}

/*
 * Wait for the reply in recv() without a time limit of our own: so SA_RESTART
 * means what it says. The loan knows its control connection, so a siglongjmp
 * or a cancellation out of here leaves a pending loan behind, no more.
 */
static int wait_pending(int fd, const struct pw_loan *expected, uint32_t generation)
{
	int saved = errno;

	for (;;) {
		struct pw_loan *loan;
		char byte;
		int ctl;

		{
			PW_GUARD guard = { 0 };

			if (!pw_guard_enter(&guard))
				return -ECONNREFUSED;
			loan = pw_loan_of(fd);
			if (!loan || loan != expected || loan->generation != generation)
				return -EBADF;
			if (pw_settle(loan))
				return 0;
			ctl = loan->ctl;
		}
		if (pw_libc.recv(ctl, &byte, sizeof(byte), MSG_PEEK) < 0) {
			if (errno == EAGAIN)
				return -EINPROGRESS;
			if (errno == EINTR)
				return -EINTR;
			errno = saved;
		}
	}
}

static int wait_and_conclude(int fd, struct pw_loan *loan, uint32_t generation)
{
	int ret = wait_pending(fd, loan, generation);
	PW_GUARD guard = { 0 };

	if (ret < 0 || !pw_guard_enter(&guard))
		return ret;
	loan = pw_loan_of(fd);
	return loan ? conclude(loan, fd) : -EBADF;
}

static void copy_send_timeout(int fd, int ctl)
{
	struct timeval limit = { 0 };
	socklen_t n = sizeof(limit);

	pw_sys(SYS_getsockopt, fd, SOL_SOCKET, SO_SNDTIMEO, &limit, &n);
	if (limit.tv_sec || limit.tv_usec)
		pw_sys(SYS_setsockopt, ctl, SOL_SOCKET, SO_RCVTIMEO, &limit, n);
}

/* In a vfork child, or beyond the table: ask, wait, remember nothing. */
static int lend_untracked(int fd, struct pw_request *request)
{
	struct pw_reply reply;
	int ctl = pw_channel_open(true), ret;
	long n;

	if (ctl < 0)
		return ctl;
	ret = pw_channel_send(ctl, request, fd);
	if (ret == 0) {
		do
			n = pw_sys(SYS_recvfrom, ctl, &reply, sizeof(reply), 0, NULL, NULL);
		while (n == -EINTR);
		if (n != sizeof(reply))
			disconnect(fd);
		ret = n == sizeof(reply) ? -reply.error : -ECONNREFUSED;
	}
	pw_sys(SYS_close, ctl);
	return ret;
}

/*
 * Lock held; owns ctl. The registrations leave their epoll sets before the helper can
 * touch the socket, so that nothing of the handshake ever shows.
 */
static int start(int fd, struct pw_request *request, int ctl, struct pw_loan **out)
{
	struct pw_loan *loan = pw_loan_new(fd);
	int ret;

	if (!loan) {
		pw_sys(SYS_close, ctl);
		return -ENOMEM;
	}
	loan->ctl = ctl;
	loan->dest = request->addr;
	pw_loan_set_state(loan, PW_LOAN_PENDING);
	pw_slot_set(ctl, PW_SLOT_CTL);
	atomic_store(&pw_lent_ever, true);
	ret = pw_watches_suspend(loan, fd) ? pw_channel_send(ctl, request, fd) : -EAGAIN;
	if (ret < 0) {
		pw_watches_resume(loan);
		pw_forget(fd);
		return ret;
	}
	*out = loan;
	return 0;
}

/**
 * pw_lend() - Have the helper connect a TCP socket
 * @fd: the application's, neither connected nor pending
 * @dest: where to
 *
 * Return: 0 once connected; -EINPROGRESS at once for a non-blocking socket;
 *	what connect(2) would say otherwise
 * Context: waits only where the application's connect() would
 */
int pw_lend(int fd, const struct pw_addr *dest)
{
	struct pw_request request = { .op = PW_OP_CONNECT, .addr = *dest };
	bool waits = !is_nonblocking(fd);
	struct pw_loan *loan;
	uint32_t generation;
	int ctl, ret;

	if ((unsigned int)fd >= PW_FDS)
		return waits ? lend_untracked(fd, &request) : -EMFILE;
	request.detail = waits ? 0 : PW_CONNECT_PENDING;
	ctl = pw_channel_open(waits);
	if (ctl < 0)
		return ctl;
	if (waits)
		copy_send_timeout(fd, ctl);
	{
		PW_GUARD guard = { 0 };

		if (!pw_guard_enter(&guard)) {
			pw_sys(SYS_close, ctl);
			return lend_untracked(fd, &request);
		}
		pw_vacate(fd);
		ret = start(fd, &request, ctl, &loan);
		if (ret < 0)
			return ret;
		generation = loan->generation;
	}
	return waits ? wait_and_conclude(fd, loan, generation) : -EINPROGRESS;
}

/**
 * pw_settle_fd() - What connect() says about a socket that was lent already
 *
 * Return: 1: never lent, or free to be lent again; else connect()'s result
 */
int pw_settle_fd(int fd)
{
	struct pw_loan *loan;
	uint32_t generation;

	{
		PW_GUARD guard = { 0 };

		if (!pw_guard_enter(&guard))
			return 1;
		loan = pw_loan_of(fd);
		if (!loan || loan->state == PW_LOAN_PROXIED)
			return 1;
		if (pw_settle(loan))
			return conclude(loan, fd);
		if (is_nonblocking(fd))
			return -EALREADY;
		generation = loan->generation;
	}
	return wait_and_conclude(fd, loan, generation);
}

/**
 * pw_before_io() - Whether bytes may pass now
 * @fd: to be read, written, sent through
 * @flags: MSG_DONTWAIT, or 0
 *
 * No byte of the application's gets into a handshake, nor the other way.
 *
 * Return: 0: go on; -EAGAIN while pending; the error of a failed connect
 */
int pw_before_io(int fd, int flags)
{
	struct pw_loan *loan;
	uint32_t generation;
	int ret;

	if (!pw_loan_in_slot(fd))
		return 0;
	{
		PW_GUARD guard = { 0 };

		if (!pw_guard_enter(&guard))
			return 0;
		loan = pw_loan_of(fd);
		if (!loan)
			return 0;
		if (!pw_settle(loan) && ((flags & MSG_DONTWAIT) || is_nonblocking(fd)))
			return -EAGAIN;
		if (loan->state != PW_LOAN_PENDING && loan->state != PW_LOAN_FAILED)
			return 0;
		generation = loan->generation;
	}
	ret = wait_pending(fd, loan, generation);
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
	while (wait_pending(fd, loan, generation) == -EINTR)
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
	return out->family && (loan->state == PW_LOAN_CONNECTED || loan->state == PW_LOAN_PROXIED);
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
	if (!loan || loan->state == PW_LOAN_CONNECTED || loan->state == PW_LOAN_PROXIED)
		return;
	pw_watches_resume(loan);
	pw_forget(fd);
}
