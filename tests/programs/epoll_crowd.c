/* SPDX-License-Identifier: MIT */
/* Many pending sockets and one ready pipe, one event at a time. */
#include <sys/epoll.h>

#include "trace.h"

enum {
	CROWD = 20
};

static void play(void)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = 1000 };
	int ep = epoll_create1(0), pipes[2], seen = 0, wrong = 0;
	bool was_seen[CROWD] = { 0 };

	MUST(pipe(pipes) == 0 && write(pipes[1], "x", 1) == 1);
	for (unsigned int i = 0; i < CROWD; i++) {
		struct epoll_event mine = { .events = EPOLLOUT | EPOLLONESHOT,
					    .data.u64 = i };
		int fd = tcp(SOCK_NONBLOCK);

		if (i % 2)
			MUST(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &mine) == 0);
		MUST(connect(fd, DEST) < 0 && errno == EINPROGRESS);
		if (i % 2 == 0)
			MUST(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &mine) == 0);
	}
	TRY(epoll_ctl(ep, EPOLL_CTL_ADD, pipes[0], &event));
	for (int i = 0; i < 3; i++) {
		TRY(epoll_wait(ep, &event, 1, -1));
		say("%lu", (unsigned long)event.data.u64);
	}
	TRY(epoll_ctl(ep, EPOLL_CTL_DEL, pipes[0], NULL));
	TRY(epoll_wait(ep, &event, 1, 20));
	go();
	while (seen < CROWD) {
		MUST(epoll_wait(ep, &event, 1, 20000) == 1);
		if (event.data.u64 >= CROWD || was_seen[event.data.u64])
			wrong++;
		else
			was_seen[event.data.u64] = true;
		seen++;
	}
	say("seen %d, wrong %d", seen, wrong);
	TRY(epoll_wait(ep, &event, 1, 20));
}
