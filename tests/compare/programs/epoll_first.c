/* SPDX-License-Identifier: MIT */
/* A socket that is in a set before connect has its event, and not early. */
#include <sys/epoll.h>

#include "trace.h"

static int ep;

static unsigned int wait_for(int ms)
{
	struct epoll_event event;

	return epoll_wait(ep, &event, 1, ms) == 1 ? event.events : 0;
}

static void play(void)
{
	struct epoll_event event = { .events = EPOLLOUT };
	int fd = tcp(SOCK_NONBLOCK);
	unsigned int early;

	if (is_mode("edge"))
		event.events |= EPOLLET;
	if (is_mode("oneshot"))
		event.events |= EPOLLONESHOT;
	MUST((ep = epoll_create1(0)) >= 0);
	MUST(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event) == 0);
	if (is_mode("edge"))
		wait_for(0);
	TRY(connect(fd, DEST));
	early = wait_for(20);
	say("early: %x", early);
	go();
	say("event: %x", early ? early : wait_for(2000));
	say("error: %s", strerror(so_error(fd)));
	TRY(send(fd, "x", 1, MSG_NOSIGNAL));
}
