/* SPDX-License-Identifier: MIT */
/*
 * A program that connects and registers by libc, and waits by an instruction
 * of its own, as Bun does: it hears nothing while pending, then of its own
 * registration, with its own data and what it has asked for.
 */
#include <sys/epoll.h>
#include <time.h>

#include "../../csrc/preload/sys.h"
#include "trace.h"

enum {
	EPOLL_PWAIT2 = 441, /* which old headers lack */
	MOST_S = 20,
	OURS = 0x1234,
	MODIFIED = 0x5678
};

static int ep;
static struct epoll_event event = { .events = EPOLLOUT, .data.u64 = OURS };

/* Return the data of what it hears, 0 for nothing. */
static uint64_t hear(int seconds)
{
	struct timespec limit = { .tv_sec = seconds };
	struct epoll_event heard[4] = { 0 };
	long n = strcmp(arguments[5], "pwait2")
			 ? pw_sys(SYS_epoll_pwait, ep, heard, 4, seconds * 1000,
				  NULL, 8)
			 : pw_sys(EPOLL_PWAIT2, ep, heard, 4, &limit, NULL, 8);

	say("%ld: %x %lx", n,
	    heard[0].events & (event.events | EPOLLERR | EPOLLHUP),
	    (unsigned long)heard[0].data.u64);
	return heard[0].data.u64;
}

static void look(void)
{
	hear(0);
}

static void tell(int fd)
{
	say("error: %s", strerror(so_error(fd)));
	if (!(event.events & EPOLLET))
		look();
	event.data.u64 = MODIFIED;
	TRY(epoll_ctl(ep, EPOLL_CTL_MOD, fd, &event));
	look();
	if (!peer_is_dest(fd))
		return;
	event.events = EPOLLIN;
	TRY(epoll_ctl(ep, EPOLL_CTL_MOD, fd, &event));
	look();
	MUST(send(fd, "x", 1, 0) == 1);
	hear(MOST_S);
}

static void play(void)
{
	int fd = tcp(SOCK_NONBLOCK);

	MUST((ep = epoll_create1(EPOLL_CLOEXEC)) >= 0);
	if (is_mode("edge"))
		event.events |= EPOLLET;
	if (is_mode("oneshot"))
		event.events |= EPOLLONESHOT;
	if (strcmp(argument, "after"))
		TRY(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event));
	MUST(connect(fd, DEST) < 0 && errno == EINPROGRESS);
	if (!strcmp(argument, "after"))
		TRY(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event));
	look();
	if (!strcmp(argument, "modified")) {
		event.data.u64++;
		TRY(epoll_ctl(ep, EPOLL_CTL_MOD, fd, &event));
		look();
	}
	go();
	MUST(hear(MOST_S) == event.data.u64);
	tell(fd);
	TRY(epoll_ctl(ep, EPOLL_CTL_DEL, fd, NULL));
	look();
}
