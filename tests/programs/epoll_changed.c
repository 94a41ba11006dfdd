/* SPDX-License-Identifier: MIT */
/* What epoll_ctl answers about a pending socket, and what it has changed. */
#include <sys/epoll.h>

#include "trace.h"

static void play(void)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = 1 };
	struct epoll_event events[4] = { 0 };
	struct epoll_event *volatile nowhere = (void *)8;
	int fd = pending(), ep = epoll_create1(0), pipes[2];

	MUST(pipe(pipes) == 0);
	TRY(epoll_ctl(ep, EPOLL_CTL_MOD, fd, &event));
	TRY(epoll_ctl(ep, EPOLL_CTL_DEL, fd, &event));
	TRY(epoll_ctl(ep, EPOLL_CTL_ADD, fd, (void *)8));
	TRY(epoll_ctl(ep, EPOLL_CTL_ADD, fd, NULL));
	TRY(epoll_ctl(ep, 77, fd, &event));
	TRY(epoll_ctl(pipes[0], EPOLL_CTL_ADD, fd, &event));
	TRY(epoll_ctl(-1, EPOLL_CTL_ADD, fd, &event));
	TRY(epoll_ctl(900, EPOLL_CTL_ADD, fd, &event));
	TRY(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event));
	TRY(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event));
	TRY(epoll_ctl(ep, EPOLL_CTL_MOD, fd, NULL));
	event = (struct epoll_event){ .events = EPOLLOUT, .data.u64 = 2 };
	TRY(epoll_ctl(ep, EPOLL_CTL_MOD, fd, &event));
	TRY(epoll_wait(ep, events, 4, 0));
	if (is_mode("deleted")) {
		TRY(epoll_ctl(ep, EPOLL_CTL_DEL, fd, NULL));
		TRY(epoll_ctl(ep, EPOLL_CTL_DEL, fd, NULL));
	}
	if (is_mode("added-again")) {
		TRY(epoll_ctl(ep, EPOLL_CTL_DEL, fd, NULL));
		event.data.u64 = 3;
		TRY(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event));
	}
	go();
	await(fd);
	TRY(epoll_wait(ep, events, 4, 0));
	say("%x %lu", events[0].events, (unsigned long)events[0].data.u64);
	TRY(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event));
	TRY(epoll_ctl(ep, EPOLL_CTL_DEL, fd, NULL));
	TRY(epoll_ctl(ep, EPOLL_CTL_DEL, fd, NULL));
	TRY(epoll_wait(ep, events, 4, 0));
	TRY(epoll_wait(ep, events, 0, 0));
	TRY(epoll_wait(ep, nowhere, 1, 0));
}
