/* SPDX-License-Identifier: MIT */
/*
 * A connect in a set with many other registrations, as many as the third
 * argument says: of sockets registered before, one of them for once and told
 * of already, one in two sets, and of an inner set.
 */
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

#include "trace.h"

static int ep;

static void put(int into, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event event = { .events = events, .data.u64 = data };

	MUST(epoll_ctl(into, EPOLL_CTL_ADD, fd, &event) == 0);
}

static void look(int ms)
{
	struct epoll_event event = { 0 };
	int n = epoll_wait(ep, &event, 1, ms);

	say("%d: %x %lx", n, event.events, (unsigned long)event.data.u64);
}

/* A one-shot that has fired is silent until it is armed again. */
static void connect_fired(void)
{
	struct epoll_event event = { .events = EPOLLOUT | EPOLLONESHOT,
				     .data.u64 = 9 };
	int fd = tcp(SOCK_NONBLOCK);

	put(ep, fd, event.events, event.data.u64);
	look(0);
	TRY(connect(fd, DEST));
	look(0);
	TRY(epoll_ctl(ep, EPOLL_CTL_MOD, fd, &event));
	look(0);
	TRY(epoll_ctl(ep, EPOLL_CTL_DEL, fd, NULL));
	close(fd);
}

/* In two sets, neither of which hears of it yet. */
static void connect_in_two(int inner)
{
	struct epoll_event event = { 0 };
	int fd = tcp(SOCK_NONBLOCK);

	put(ep, fd, EPOLLOUT, 7);
	put(inner, fd, EPOLLOUT, 8);
	TRY(connect(fd, DEST));
	look(0);
	TRY(epoll_wait(inner, &event, 1, 0));
	TRY(epoll_ctl(ep, EPOLL_CTL_DEL, fd, NULL));
	TRY(epoll_ctl(inner, EPOLL_CTL_DEL, fd, NULL));
	close(fd);
}

static void play(void)
{
	int count = atoi(mode), inner = epoll_create1(0);
	struct rlimit limit;
	int fds[3];

	MUST(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	limit.rlim_cur = limit.rlim_max;
	MUST(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	MUST((ep = epoll_create1(0)) >= 0);
	for (int i = 0; i < count; i++)
		put(ep, eventfd(0, 0), EPOLLIN, 0);
	connect_fired();
	connect_in_two(inner);
	put(ep, inner, EPOLLIN, 1);
	for (int i = 0; i < 3; i++) {
		fds[i] = tcp(SOCK_NONBLOCK);
		put(i ? ep : inner, fds[i], EPOLLOUT | (i == 1 ? EPOLLET : 0),
		    (unsigned int)i + 2);
		TRY(connect(fds[i], DEST));
		look(0);
	}
	TRY(epoll_ctl(ep, EPOLL_CTL_DEL, fds[1], NULL));
	TRY(epoll_ctl(ep, EPOLL_CTL_DEL, fds[2], NULL));
	go();
	look(20000);
	TRY(await(fds[0]));
	look(0);
}
