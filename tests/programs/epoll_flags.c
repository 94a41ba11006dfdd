/* SPDX-License-Identifier: MIT */
/* Which flags epoll_ctl refuses about a pending socket. */
#include <sys/epoll.h>

#include "trace.h"

static const uint32_t flags[] = {
	0,
	EPOLLEXCLUSIVE,
	EPOLLEXCLUSIVE | EPOLLIN,
	EPOLLEXCLUSIVE | EPOLLOUT | EPOLLET,
	EPOLLEXCLUSIVE | EPOLLIN | EPOLLERR | EPOLLHUP,
	EPOLLEXCLUSIVE | EPOLLIN | EPOLLWAKEUP,
	EPOLLEXCLUSIVE | EPOLLIN | EPOLLONESHOT,
	EPOLLEXCLUSIVE | EPOLLRDHUP,
	EPOLLEXCLUSIVE | EPOLLPRI,
	EPOLLWAKEUP | EPOLLIN,
	EPOLLIN | 1u << 20,
	~0u,
	~0u & ~EPOLLEXCLUSIVE,
};

static void play(void)
{
	int fd = pending(), ep = epoll_create1(0), outer = epoll_create1(0);
	struct epoll_event event = { .events = EPOLLIN }, got = { 0 };
	size_t i;

	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		event.events = flags[i];
		say("%x", flags[i]);
		TRY(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event));
		TRY(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event));
		TRY(epoll_ctl(ep, EPOLL_CTL_MOD, fd, &event));
		event.events = EPOLLIN;
		TRY(epoll_ctl(ep, EPOLL_CTL_MOD, fd, &event));
		TRY(epoll_ctl(ep, EPOLL_CTL_DEL, fd, NULL));
	}
	event.events = EPOLLIN | EPOLLEXCLUSIVE;
	TRY(epoll_ctl(ep, EPOLL_CTL_MOD, fd, &event));
	TRY(epoll_ctl(outer, EPOLL_CTL_ADD, ep, &event));
	event.events = EPOLLIN;
	TRY(epoll_ctl(ep, EPOLL_CTL_ADD, ep, &event));
	TRY(epoll_ctl(ep, EPOLL_CTL_ADD, 900, &event));
	TRY(epoll_ctl(fd, EPOLL_CTL_ADD, fd, &event));
	TRY(epoll_ctl(fd, EPOLL_CTL_ADD, ep, &event));
	TRY(epoll_ctl(fd, EPOLL_CTL_MOD, fd, &event));
	TRY(epoll_ctl(fd, EPOLL_CTL_DEL, fd, &event));
	TRY(epoll_ctl(fd, 77, fd, &event));
	TRY(epoll_ctl(900, 77, fd, (void *)8));
	TRY(epoll_ctl(fd, EPOLL_CTL_ADD, fd, (void *)8));
	TRY(epoll_ctl(ep, 77, fd, (void *)8));
	TRY(epoll_ctl(ep, EPOLL_CTL_DEL, fd, (void *)8));
	event.events = EPOLLOUT | EPOLLEXCLUSIVE;
	event.data.u64 = 5;
	TRY(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event));
	TRY(epoll_wait(ep, &got, 1, 0));
	go();
	await(fd);
	TRY(epoll_wait(ep, &got, 1, 10000));
	say("%x %lu", got.events, (unsigned long)got.data.u64);
	event.events = EPOLLIN;
	TRY(epoll_ctl(ep, EPOLL_CTL_MOD, fd, &event));
	TRY(epoll_ctl(ep, EPOLL_CTL_DEL, fd, NULL));
	tell_end(fd);
}
