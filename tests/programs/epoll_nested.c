/* SPDX-License-Identifier: MIT */
/* A set that is waited for through another, or through poll and select. */
#include <sys/epoll.h>
#include <sys/select.h>

#include "trace.h"

static int inner, outer;

static void look(void)
{
	struct pollfd one = { .fd = inner, .events = POLLIN };
	struct pollfd two = { .fd = outer, .events = POLLIN };
	struct epoll_event event = { 0 };
	struct timeval zero = { 0 };
	fd_set in;
	int n = epoll_wait(outer, &event, 1, 0);

	FD_ZERO(&in);
	FD_SET(inner, &in);
	say("outer set: %d %x %lu", n, n ? event.events : 0,
	    n ? (unsigned long)event.data.u64 : 0);
	say("poll: %d", poll(&one, 1, 0));
	say("poll of the outer: %d", poll(&two, 1, 0));
	say("select: %d", select(inner + 1, &in, NULL, NULL, &zero));
}

static void play(void)
{
	struct epoll_event event = { .events = EPOLLOUT, .data.u64 = 1 };
	struct pollfd one;
	int fd = tcp(SOCK_NONBLOCK);

	inner = epoll_create1(0);
	outer = epoll_create1(0);
	one = (struct pollfd){ .fd = inner, .events = POLLIN };
	MUST(connect(fd, DEST) < 0);
	if (!is_mode("outer-first"))
		TRY(epoll_ctl(inner, EPOLL_CTL_ADD, fd, &event));
	event = (struct epoll_event){ .events = EPOLLIN, .data.u64 = 2 };
	if (is_mode("edge"))
		event.events |= EPOLLET;
	TRY(epoll_ctl(outer, EPOLL_CTL_ADD, inner, &event));
	event = (struct epoll_event){ .events = EPOLLOUT, .data.u64 = 1 };
	if (is_mode("outer-first"))
		TRY(epoll_ctl(inner, EPOLL_CTL_ADD, fd, &event));
	look();
	go();
	TRY(poll(&one, 1, 20000));
	if (is_mode("edge"))
		TRY(epoll_wait(outer, &event, 1, 20000));
	else
		look();
	TRY(epoll_wait(inner, &event, 1, 0));
	say("%x %lu", event.events, (unsigned long)event.data.u64);
}
