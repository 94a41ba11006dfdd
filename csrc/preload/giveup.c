/* SPDX-License-Identifier: MIT */
#include "giveup.h"

#include "channel.h"
#include "epollset.h"
#include "guard.h"
#include "lend.h"

#include <netinet/tcp.h>

#ifndef TCP_FASTOPEN_NO_COOKIE
#define TCP_FASTOPEN_NO_COOKIE 34
#endif

/*
 * Have the helper let go of the socket before we touch it: what it asks of it
 * takes the socket's error away. It takes a turn of its event loop; where it
 * is not there, or busy, what is left is that race.
 *
 * Return: whether it has let go
 */
static bool wait_for_helper(int ctl)
{
	enum {
		MOMENT_NS = 20 * 1000 * 1000
	};
	struct pollfd one = { .fd = ctl, .events = POLLIN };
	struct timespec left = { .tv_nsec = MOMENT_NS };
	long n;

	pw_sys(SYS_shutdown, ctl, SHUT_WR);
	n = pw_sys(SYS_ppoll, &one, 1, &left, NULL, 0); /* signals are held */
	/* Another thread that waits in recv() keeps it from being closed. */
	pw_sys(SYS_shutdown, ctl, SHUT_RDWR);
	return n > 0;
}

static void disconnect(int fd)
{
	struct sockaddr unspec = { .sa_family = AF_UNSPEC };

	pw_sys(SYS_connect, fd, &unspec, sizeof(unspec));
}

static bool has_error(int fd)
{
	struct pollfd one = { .fd = fd };
	struct timespec zero = { 0 };

	return pw_sys(SYS_ppoll, &one, 1, &zero, NULL, 0) > 0 &&
	       (one.revents & POLLERR);
}

/* Return: 0, or -errno: an IPv6 socket may be bound to an IPv4 address. */
static int connect_deferred(int fd, bool is_mapped)
{
	static const unsigned char prefix[] = { [10] = 0xff, 0xff, 127 };
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(9) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
				    .sin6_port = htons(9) };
	int family = AF_INET;
	socklen_t n = sizeof(family);

	pw_sys(SYS_getsockopt, fd, SOL_SOCKET, SO_DOMAIN, &family, &n);
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (is_mapped)
		memcpy(&in6.sin6_addr, prefix, sizeof(prefix));
	in6.sin6_addr.s6_addr[15] = 1;
	if (family == AF_INET)
		return (int)pw_sys(SYS_connect, fd, &in, sizeof(in));
	return (int)pw_sys(SYS_connect, fd, &in6, sizeof(in6));
}

/*
 * Take a socket from SYN_SENT to where it is not connected: the kernel notes
 * ECONNRESET. With these options connect() sends nothing and does not wait;
 * the SYN would go with the first byte. Where net.ipv4.tcp_fastopen forbids
 * that, the socket is left without an error.
 */
static void note_reset(int fd)
{
	static const int names[] = { TCP_FASTOPEN_CONNECT,
				     TCP_FASTOPEN_NO_COOKIE };
	const int on = 1;
	int before[2] = { 0 };
	bool may = true;

	for (int i = 0; i < 2; i++) {
		socklen_t n = sizeof(before[i]);

		pw_sys(SYS_getsockopt, fd, IPPROTO_TCP, names[i], &before[i],
		       &n);
		may &= pw_sys(SYS_setsockopt, fd, IPPROTO_TCP, names[i], &on,
			      sizeof(on)) == 0;
	}
	if (may && connect_deferred(fd, false) < 0)
		connect_deferred(fd, true);
	disconnect(fd);
	for (int i = 0; i < 2; i++)
		pw_sys(SYS_setsockopt, fd, IPPROTO_TCP, names[i], &before[i],
		       sizeof(before[i]));
}

/**
 * pw_give_up() - The application gives its connect up but keeps the socket
 * @fd: any descriptor
 *
 * A pending socket is left as the kernel leaves one that was in SYN_SENT, with
 * an ECONNRESET that poll(2) shows.
 *
 * Return: whether it was pending
 * Context: takes the lock; waits for the helper for 20 ms at most
 */
bool pw_give_up(int fd)
{
	struct pw_loan *loan;
	bool is_pending, has_let_go = true;
	PW_GUARD guard = { 0 };

	if (!pw_guard_enter(&guard))
		return false;
	loan = pw_loan_of(fd);
	if (!loan)
		return false;
	pw_settle(loan);
	if (loan->state == PW_LOAN_CONNECTED ||
	    loan->state == PW_LOAN_PROXIED || loan->state == PW_LOAN_GIVEN_UP)
		return false;
	is_pending = loan->state == PW_LOAN_PENDING;
	if (is_pending) {
		pw_watches_withdraw(loan);
		has_let_go = wait_for_helper(loan->ctl);
		disconnect(fd);
		if (!has_error(fd))
			note_reset(fd);
	}
	pw_watches_resume(loan);
	if (!has_let_go) {
		pw_loan_give_up(loan);
		return true;
	}
	for (int twin = -1; (twin = pw_next_twin(fd, twin)) >= 0;)
		pw_forget(twin);
	pw_forget(fd);
	return is_pending;
}
