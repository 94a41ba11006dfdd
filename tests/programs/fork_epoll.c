/* SPDX-License-Identifier: MIT */
/* A child shares its parent's epoll set; its leaving must not change it. */
#include <sys/epoll.h>

#include "trace.h"

static void play(void)
{
	struct epoll_event event = { .events = EPOLLOUT | EPOLLET,
				     .data.u64 = 5 };
	int fd = pending(), ep = epoll_create1(0), status;
	pid_t child;

	TRY(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event));
	child = fork();
	MUST(child >= 0);
	if (child == 0) {
		TRY(epoll_wait(ep, &event, 1, 0));
		TRY(close(fd));
		TRY(epoll_wait(ep, &event, 1, 0));
		if (!is_mode("exit"))
			TRY(close(ep));
		_exit(0);
	}
	MUST(waitpid(child, &status, 0) == child && status == 0);
	TRY(epoll_wait(ep, &event, 1, 0));
	go();
	TRY(epoll_wait(ep, &event, 1, 20000));
	say("%x %lu", event.events, (unsigned long)event.data.u64);
	TRY(epoll_wait(ep, &event, 1, 0));
	tell_end(fd);
}
