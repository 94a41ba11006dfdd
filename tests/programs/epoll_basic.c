/* SPDX-License-Identifier: MIT */
/*
 * A registration, made before or after connect, shows nothing while pending,
 * and the outcome as its kind has it.
 */
#include <sys/epoll.h>

#include "trace.h"

static int ep;

static void look(int ms)
{
	struct epoll_event events[4] = { 0 };
	int n = epoll_wait(ep, events, 4, ms);

	say("%d: %x %lx", n, n > 0 ? events[0].events : 0,
	    n > 0 ? (unsigned long)events[0].data.u64 : 0);
}

static void play(void)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP,
				     .data.u64 = 0x1234567890abcdef };
	bool is_before = strncmp(argument, "before", 6) == 0;
	int fd = tcp(SOCK_NONBLOCK);

	ep = strcmp(argument, "before-create") ? epoll_create1(EPOLL_CLOEXEC)
					       : epoll_create(5);
	if (is_mode("edge"))
		event.events |= EPOLLET;
	if (is_mode("oneshot"))
		event.events |= EPOLLONESHOT;
	if (is_mode("in"))
		event.events = EPOLLIN;
	if (is_mode("nothing"))
		event.events = 0;
	if (is_before)
		TRY(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event));
	if (strcmp(argument, "before-fired") == 0)
		look(0);
	MUST(connect(fd, DEST) < 0 && errno == EINPROGRESS);
	if (!is_before)
		TRY(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event));
	look(0);
	look(20);
	look(0);
	go();
	await(fd);
	look(0);
	look(0);
	TRY(epoll_ctl(ep, EPOLL_CTL_MOD, fd, &event));
	look(0);
	say("error: %s", strerror(so_error(fd)));
	look(0);
	TRY(epoll_ctl(ep, EPOLL_CTL_DEL, fd, NULL));
	look(0);
}
