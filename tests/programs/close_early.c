/* SPDX-License-Identifier: MIT */
/* A closed pending socket leaves nothing behind: its number begins anew. */
#include <sys/epoll.h>

#include "trace.h"

static void play(void)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT };
	int fd = pending(), ep = epoll_create1(0), again;
	struct pollfd one = { .fd = fd, .events = POLLIN | POLLOUT };

	TRY(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event));
	TRY(close(fd));
	TRY(close(fd));
	TRY(poll(&one, 1, 0));
	say("events %x", one.revents);
	TRY(epoll_wait(ep, &event, 1, 0));
	TRY(getsockopt(fd, SOL_SOCKET, SO_ERROR, &again, &dest_len));
	again = tcp(SOCK_NONBLOCK);
	TRY(again == fd);
	TRY(epoll_ctl(ep, EPOLL_CTL_MOD, again, &event));
	TRY(epoll_ctl(ep, EPOLL_CTL_ADD, again, &event));
	TRY(epoll_wait(ep, &event, 1, 0));
	TRY(poll(&one, 1, 0));
	say("events %x", one.revents);
	TRY(connect(again, DEST));
	TRY(epoll_wait(ep, &event, 1, 0));
	go();
	tell_end(again);
}
