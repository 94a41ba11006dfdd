/* SPDX-License-Identifier: MIT */
/*
 * shutdown() on a pending socket ends the attempt, with ECONNRESET for the
 * first who looks, whichever way; the socket lives on.
 */
#include <sys/epoll.h>

#include "trace.h"

static int how;

static void look(int fd)
{
	struct pollfd one = { .fd = fd,
			      .events = POLLIN | POLLOUT | POLLRDHUP };

	TRY(poll(&one, 1, 0));
	say("revents %x", one.revents);
}

static int shut(void)
{
	int fd = pending();

	TRY(shutdown(fd, how));
	return fd;
}

static void read_first(void)
{
	int fd = shut();
	char byte;

	TRY(read(fd, &byte, 1));
	TRY(read(fd, &byte, 1));
	TRY(recv(fd, &byte, 1, MSG_DONTWAIT));
	look(fd);
	close(fd);
}

static void write_first(void)
{
	int fd = shut();

	signal(SIGPIPE, SIG_IGN);
	TRY(write(fd, "x", 1));
	TRY(write(fd, "x", 1));
	TRY(send(fd, "x", 1, MSG_NOSIGNAL));
	look(fd);
	close(fd);
}

static void select_first(void)
{
	int fd = shut();
	struct timeval none = { 0 };
	fd_set in, out, except;

	FD_ZERO(&in);
	FD_SET(fd, &in);
	out = except = in;
	TRY(select(fd + 1, &in, &out, &except, &none));
	say("in %d, out %d, except %d", !!FD_ISSET(fd, &in),
	    !!FD_ISSET(fd, &out), !!FD_ISSET(fd, &except));
	close(fd);
}

static void wait_first(uint32_t flags, bool is_before)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | flags,
				     .data.u64 = 7 };
	int ep = epoll_create1(EPOLL_CLOEXEC), fd = tcp(SOCK_NONBLOCK);

	if (is_before)
		TRY(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event));
	MUST(connect(fd, DEST) < 0 && errno == EINPROGRESS);
	if (!is_before)
		TRY(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event));
	/* An edge, or a one-shot, that was there before it was pending. */
	epoll_wait(ep, &event, 1, 0);
	TRY(shutdown(fd, how));
	for (int i = 0; i < 2; i++) {
		event.events = 0;
		TRY(epoll_wait(ep, &event, 1, 0));
		say("events %x", event.events);
	}
	say("error: %s", strerror(so_error(fd)));
	TRY(epoll_wait(ep, &event, 1, 0));
	close(ep);
	close(fd);
}

static void connect_first(void)
{
	int fd = shut();

	TRY(connect(fd, DEST));
	TRY(connect(fd, DEST));
	say("error: %s", strerror(so_error(fd)));
	look(fd);
	TRY(shutdown(fd, how));
	look(fd);
	TRY(shutdown(fd, how));
	look(fd);
	close(fd);
}

static void play(void)
{
	struct sockaddr_storage peer;
	socklen_t n = sizeof(peer);
	char byte = 'x';
	int fd = pending();

	how = is_mode("rd") ? SHUT_RD : is_mode("wr") ? SHUT_WR : SHUT_RDWR;
	read_first();
	write_first();
	select_first();
	connect_first();
	wait_first(0, true);
	wait_first(0, false);
	wait_first(EPOLLET, false);
	wait_first(EPOLLONESHOT, false);
	TRY(shutdown(fd, 77));
	TRY(connect(fd, DEST));
	TRY(shutdown(fd, how));
	look(fd);
	say("error: %s", strerror(so_error(fd)));
	say("error: %s", strerror(so_error(fd)));
	look(fd);
	TRY(getpeername(fd, (struct sockaddr *)&peer, &n));
	TRY(send(fd, &byte, 1, MSG_NOSIGNAL));
	TRY(recv(fd, &byte, 1, 0));
	TRY(connect(fd, DEST));
	go();
	tell_end(fd);
}
