/* SPDX-License-Identifier: MIT */
/* One set under two numbers, and one socket registered under two numbers. */
#include <sys/epoll.h>

#include "trace.h"

static void play(void)
{
	struct epoll_event event = { .events = EPOLLOUT, .data.u64 = 1 };
	struct epoll_event events[4] = { 0 };
	int fd = tcp(SOCK_NONBLOCK), ep = epoll_create1(0);
	int twin = dup(fd), ep_twin = dup(ep), n;

	TRY(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event));
	event.data.u64 = 2;
	TRY(epoll_ctl(ep_twin, EPOLL_CTL_ADD, twin, &event));
	TRY(connect(twin, DEST));
	TRY(epoll_wait(ep, events, 4, 0));
	TRY(epoll_wait(ep_twin, events, 4, 0));
	TRY(epoll_ctl(ep_twin, EPOLL_CTL_ADD, fd, &event));
	TRY(epoll_ctl(ep, EPOLL_CTL_MOD, twin, &event));
	if (is_mode("close-set"))
		TRY(close(ep));
	if (is_mode("close-twin"))
		TRY(close(twin));
	if (is_mode("close-first"))
		TRY(close(fd));
	go();
	await(is_mode("close-first") ? twin : fd);
	n = (int)TRY(epoll_wait(ep_twin, events, 4, 0));
	say("data: %lx",
	    n > 1 ? (unsigned long)(events[0].data.u64 * 16 ^
				    events[1].data.u64 * 16 ^
				    events[0].data.u64 ^ events[1].data.u64)
		  : (unsigned long)events[0].data.u64);
}
