/* SPDX-License-Identifier: MIT */
#include "lend.h"

#include "channel.h"
#include "epollset.h"
#include "guard.h"
#include "libc.h"
#include "sockaddr.h"

#include <fcntl.h>

_Atomic bool pw_lent_ever;

bool pw_is_nonblocking(int fd)
{
	return pw_sys(SYS_fcntl, fd, F_GETFL) & O_NONBLOCK;
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
	case PW_LOAN_GIVEN_UP:
		break;
	}
	pw_disconnect(fd);
	pw_forget(fd);
	return -error;
}

/*
 * Wait for the reply in recv() without a time limit of our own: so SA_RESTART
 * means what it says. The loan knows its control connection, so a siglongjmp
 * or a cancellation out of here leaves a pending loan behind, no more.
 *
 * Return: 0: it is decided; -EINPROGRESS: the time is over; -EINTR;
 *	-ECANCELED: another thread has given the connect up; -EBADF: or closed
 *	the socket; -ECONNREFUSED: in a vfork child
 */
int pw_wait_pending(int fd, const struct pw_loan *expected, uint32_t generation)
{
	int saved = errno, ctl = -1;
	uint64_t ino = 0;
	bool is_over = false;

	for (;;) {
		struct pw_loan *loan;
		char byte;

		{
			PW_GUARD guard = { 0 };

			if (!pw_guard_enter(&guard))
				return -ECONNREFUSED;
			loan = pw_loan_of(fd);
			if (!loan || loan != expected ||
			    loan->generation != generation)
				return ino && pw_inode(fd) == ino ? -ECANCELED
								  : -EBADF;
			if (loan->state == PW_LOAN_GIVEN_UP)
				return -ECANCELED;
			if (pw_settle(loan))
				return 0;
			ino = loan->ino;
			if (is_over && ctl == loan->ctl)
				return -EINPROGRESS;
			ctl = loan->ctl;
		}
		if (pw_libc.recv(ctl, &byte, sizeof(byte), MSG_PEEK) < 0) {
			/* Unless another thread has settled it and the number
			 * is something else by now. */
			is_over = errno == EAGAIN;
			if (errno == EINTR)
				return -EINTR;
			errno = saved;
		}
	}
}

/* What connect() reports where another thread has broken it off. */
static int given_up(int fd)
{
	int error = 0;
	socklen_t n = sizeof(error);

	pw_sys(SYS_getsockopt, fd, SOL_SOCKET, SO_ERROR, &error, &n);
	return error ? -error : -ECONNABORTED;
}

static int wait_and_conclude(int fd, struct pw_loan *loan, uint32_t generation)
{
	int ret = pw_wait_pending(fd, loan, generation);
	PW_GUARD guard = { 0 };

	if (ret == -ECANCELED)
		return given_up(fd);
	if (ret < 0 || !pw_guard_enter(&guard))
		return ret;
	loan = pw_loan_of(fd);
	return loan ? conclude(loan, fd) : -EBADF;
}

/* Wait as long as the application's socket may, by SO_SNDTIMEO or SO_RCVTIMEO.
 */
void pw_copy_timeout(int fd, int ctl, int option)
{
	struct timeval limit = { 0 };
	socklen_t n = sizeof(limit);

	pw_sys(SYS_getsockopt, fd, SOL_SOCKET, option, &limit, &n);
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
			n = pw_sys(SYS_recvfrom, ctl, &reply, sizeof(reply), 0,
				   NULL, NULL);
		while (n == -EINTR);
		ret = n == sizeof(reply) ? -reply.error : -ECONNREFUSED;
		if (ret < 0)
			pw_disconnect(fd);
	}
	pw_sys(SYS_close, ctl);
	return ret;
}

/* Registrations are made by number, and each number may have its own. */
static bool suspend_all(struct pw_loan *loan, int fd)
{
	bool done = pw_watches_suspend(loan, fd);

	for (int twin = -1; done && (twin = pw_next_twin(fd, twin)) >= 0;)
		done = pw_watches_suspend(loan, twin);
	return done;
}

/*
 * Lock held; owns ctl. The registrations leave their epoll sets before the
 * helper can touch the socket, so that nothing of the handshake ever shows.
 */
static int start(int fd, struct pw_request *request, int ctl,
		 struct pw_loan **out)
{
	struct pw_loan *loan = pw_loan_new(fd);
	bool is_sent;
	int ret;

	if (!loan) {
		pw_sys(SYS_close, ctl);
		return -ENOMEM;
	}
	for (int twin = -1; (twin = pw_next_twin(fd, twin)) >= 0;) {
		pw_vacate(twin);
		pw_loan_dup(fd, twin);
	}
	loan->ctl = ctl;
	loan->dest = request->addr;
	pw_loan_set_state(loan, PW_LOAN_PENDING);
	pw_slot_set(ctl, PW_SLOT_CTL);
	atomic_store(&pw_lent_ever, true);
	ret = suspend_all(loan, fd) ? pw_channel_send(ctl, request, fd)
				    : -EAGAIN;
	is_sent = ret == 0;
	if (ret == 0)
		ret = pw_watches_stand_in(loan);
	if (ret < 0) {
		pw_watches_resume(loan);
		pw_forget(fd);
		if (is_sent)
			pw_disconnect(fd);
		return ret;
	}
	/* The answer may have come while nothing stood in. */
	if (loan->first_watch)
		pw_settle(loan);
	*out = loan;
	return 0;
}

/*
 * The kernel connects to this host while connect() runs: programs look at the
 * socket's address, or accept at the other end, right after it. The helper is
 * as quick where it runs already, and nobody is held up for long where it is
 * not, or where a rule leads loopback through a chain.
 */
static void give_a_moment(int fd, const struct pw_loan *expected, int ctl,
			  uint32_t generation)
{
	enum {
		MOMENT_NS = 20 * 1000 * 1000
	};
	struct pollfd one = { .fd = ctl, .events = POLLIN };
	struct timespec left = { .tv_nsec = MOMENT_NS };
	PW_GUARD guard = { 0 };
	struct pw_loan *loan;

	if (pw_sys(SYS_ppoll, &one, 1, &left, NULL, 0) <= 0 ||
	    !pw_guard_enter(&guard))
		return;
	loan = pw_loan_of(fd);
	if (loan && loan == expected && loan->generation == generation)
		pw_settle(loan);
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
	bool waits = !pw_is_nonblocking(fd);
	struct pw_loan *loan;
	uint32_t generation;
	int ctl, ret;

	if (!pw_tables_map())
		return -ENOMEM;
	if ((unsigned int)fd >= PW_FDS)
		return waits ? lend_untracked(fd, &request) : -EMFILE;
	ctl = pw_channel_open(waits);
	if (ctl == -EMFILE) {
		pw_lock_and_settle_all();
		ctl = pw_channel_open(waits);
	}
	if (ctl < 0)
		return ctl;
	if (waits)
		pw_copy_timeout(fd, ctl, SO_SNDTIMEO);
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
	if (waits)
		return wait_and_conclude(fd, loan, generation);
	if (pw_addr_is_loopback(dest))
		give_a_moment(fd, loan, ctl, generation);
	return -EINPROGRESS;
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
	int ret;

	{
		PW_GUARD guard = { 0 };

		if (!pw_guard_enter(&guard))
			return 1;
		loan = pw_loan_of(fd);
		if (!loan || loan->state == PW_LOAN_PROXIED ||
		    loan->state == PW_LOAN_GIVEN_UP)
			return 1;
		if (pw_settle(loan))
			return conclude(loan, fd);
		if (pw_is_nonblocking(fd))
			return -EALREADY;
		generation = loan->generation;
	}
	ret = wait_and_conclude(fd, loan, generation);
	/* The time of SO_SNDTIMEO is over: the attempt is not this call's. */
	return ret == -EINPROGRESS ? -EALREADY : ret;
}
