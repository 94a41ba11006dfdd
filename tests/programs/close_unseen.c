/* SPDX-License-Identifier: MIT */
/*
 * A pending socket is closed where no hook may see it, by fclose(), by its
 * number through libc, or by an instruction; what has its number next is
 * something of its own.
 */
#include <sys/epoll.h>
#include <sys/syscall.h>

#include "trace.h"

static void close_raw(int fd)
{
#ifdef __x86_64__
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "0"((long)SYS_close), "D"((long)fd)
			 : "rcx", "r11", "memory");
	MUST(ret == 0);
#else
	MUST(syscall(SYS_close, fd) == 0);
#endif
}

static void close_it(int fd)
{
	if (is_mode("number"))
		MUST(syscall(SYS_close, fd) == 0);
	if (is_mode("instruction"))
		close_raw(fd);
}

static void play(void)
{
	struct epoll_event event = { .events = EPOLLOUT, .data.u64 = 1 };
	int ep = epoll_create1(0), fd = tcp(SOCK_NONBLOCK), next;
	FILE *file = is_mode("fclose") ? fdopen(fd, "r+") : NULL;

	TRY(connect(fd, DEST));
	TRY(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event));
	if (file)
		TRY(fclose(file));
	else
		close_it(fd);
	next = tcp(SOCK_NONBLOCK);
	TRY(next == fd);
	TRY(epoll_ctl(ep, EPOLL_CTL_MOD, next, &event));
	TRY(connect(next, DEST));
	event.data.u64 = 2;
	TRY(epoll_ctl(ep, EPOLL_CTL_ADD, next, &event));
	TRY(epoll_wait(ep, &event, 1, 20));
	go();
	tell_end(next);
	TRY(epoll_wait(ep, &event, 1, 20000));
	say("%x %lu", event.events, (unsigned long)event.data.u64);
	TRY(epoll_ctl(ep, EPOLL_CTL_DEL, next, NULL));
	TRY(epoll_wait(ep, &event, 1, 20));
}
