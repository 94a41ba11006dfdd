/* SPDX-License-Identifier: MIT */
/* What a non-blocking connect() that fails shows, to who waits and who asks. */
#include "trace.h"

#include <sys/epoll.h>

enum {
	SHOWN = POLLERR | POLLHUP | POLLOUT
};

/* What poll() shows in the end: who waits may be woken a moment before. */
static int settled(int fd)
{
	int shown;

	do
		shown = await(fd);
	while (!(shown & POLLERR) != !(shown & POLLHUP));
	return shown & SHOWN;
}

static void play(void)
{
	struct epoll_event event = { .events = EPOLLOUT };
	int ep = epoll_create1(0), fd = pending();

	TRY(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event));
	TRY(epoll_wait(ep, &event, 1, 0));
	go();
	TRY(settled(fd));
	TRY(epoll_wait(ep, &event, 1, -1));
	say("events: %x", event.events & SHOWN);
	say("error: %s", strerror(so_error(fd)));
	say("error: %s", strerror(so_error(fd)));
	TRY(peer_is_dest(fd));
	TRY(connect(fd, DEST));
	close(fd);

	fd = pending();
	TRY(settled(fd));
	TRY(connect(fd, DEST));
	TRY(connect(fd, DEST));
	TRY(settled(fd));
}
