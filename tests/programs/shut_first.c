/* SPDX-License-Identifier: MIT */
/*
 * A connect is broken off and its socket closed as a program's first act, in
 * two epoll sets: of a number that was closed no event is left. The first
 * argument says what breaks it off, the second what closes it.
 */
#include <sys/epoll.h>

#include "trace.h"

static int sets[2];

static void look(void)
{
	struct epoll_event event;

	for (int i = 0; i < 2; i++) {
		event.events = 0;
		TRY(epoll_wait(sets[i], &event, 1, 0));
		say("events %x", event.events);
	}
}

static void put(int set, int fd, int op)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT,
				     .data.fd = fd };

	TRY(epoll_ctl(set, op, fd, &event));
}

static void break_off(int fd)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };

	if (is_mode("unspec"))
		TRY(connect(fd, &none, sizeof(none)));
	else
		TRY(shutdown(fd, SHUT_RDWR));
}

static void close_it(int fd)
{
	int other;

	if (strcmp(argument, "over") == 0) {
		TRY(dup2(0, fd) == fd);
#ifdef __GLIBC__
	} else if (strcmp(argument, "range") == 0) {
		TRY(close_range((unsigned int)fd, (unsigned int)fd, 0));
#endif
	} else if (strcmp(argument, "twin") == 0) {
		MUST((other = dup(fd)) >= 0);
		TRY(close(other));
		look();
		TRY(close(fd));
	} else {
		TRY(close(fd));
	}
}

static void play(void)
{
	int fd, again;

	for (int i = 0; i < 2; i++)
		MUST((sets[i] = epoll_create1(0)) >= 0);
	fd = tcp(SOCK_NONBLOCK);
	put(sets[0], fd, EPOLL_CTL_ADD);
	MUST(connect(fd, DEST) < 0 && errno == EINPROGRESS);
	put(sets[1], fd, EPOLL_CTL_ADD);
	break_off(fd);
	put(sets[1], fd, EPOLL_CTL_MOD);
	put(sets[1], fd, EPOLL_CTL_ADD);
	look();
	say("error: %s", strerror(so_error(fd)));
	close_it(fd);
	look();
	MUST((again = tcp(SOCK_NONBLOCK)) >= 0);
	put(sets[0], again, EPOLL_CTL_ADD);
	TRY(connect(again, DEST));
	go();
	tell_end(again);
	close(again);
	look();
}
