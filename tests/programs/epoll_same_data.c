/* SPDX-License-Identifier: MIT */
/*
 * An event is lost on no set that has the same data for two registrations, one
 * of them a set in which something is pending; `reused`: or seems to be one,
 * for the number of that set was a registered socket's before.
 */
#include <sys/epoll.h>

#include "trace.h"

static int listener;

/* A connection that stays pending until the one before it is accepted. */
static int queued(void)
{
	struct sockaddr_in here = { .sin_family = AF_INET };
	socklen_t n = sizeof(here);
	int first = socket(AF_INET, SOCK_STREAM, 0), fd;

	listener = socket(AF_INET, SOCK_STREAM, 0);
	here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	MUST(bind(listener, (struct sockaddr *)&here, n) == 0);
	MUST(listen(listener, 0) == 0);
	MUST(getsockname(listener, (struct sockaddr *)&here, &n) == 0);
	MUST(connect(first, (struct sockaddr *)&here, n) == 0);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	MUST(connect(fd, (struct sockaddr *)&here, n) < 0);
	MUST(errno == EINPROGRESS);
	return fd;
}

static void play(void)
{
	struct epoll_event event = { .events = EPOLLOUT | EPOLLET,
				     .data.u64 = 7 };
	struct epoll_event in = { .events = EPOLLIN, .data.u64 = 7 };
	int outer = epoll_create1(0), inner = outer;

	if (is_mode("reused")) {
		int before = tcp(0);

		TRY(epoll_ctl(outer, EPOLL_CTL_ADD, before, &in));
		TRY(close(before));
		inner = epoll_create1(0);
		MUST(inner == before);
	} else if (!is_mode("both")) {
		inner = epoll_create1(0);
		TRY(epoll_ctl(outer, EPOLL_CTL_ADD, inner, &in));
	}
	TRY(epoll_ctl(outer, EPOLL_CTL_ADD, pending(), &event));
	TRY(epoll_wait(outer, &event, 1, 0));
	go();
	/* Now, for its SYN is sent again after 1, 3, 7 and 15 s. */
	TRY(epoll_ctl(inner, EPOLL_CTL_ADD, queued(), &event));
	TRY(epoll_wait(outer, &event, 1, 20000));
	say("%x %d", event.events, (int)event.data.u64);
	TRY(epoll_wait(inner, &event, 1, 0));
	MUST(accept(listener, NULL, NULL) >= 0);
	TRY(epoll_wait(inner, &event, 1, 20000));
	say("%x %d", event.events, (int)event.data.u64);
}
