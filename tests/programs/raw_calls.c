/* SPDX-License-Identifier: MIT */
/*
 * A program that connects by libc and does the rest to its pending socket by
 * instructions of its own, which no hook sees. What the kernel then answers may
 * be about the socket as it is; but all that it hears of has data of its own,
 * and by libc the connection comes to its end as ever.
 */
#include <sys/epoll.h>
#include <sys/select.h>

#include "../../csrc/preload/sys.h"
#include "trace.h"

enum {
	FIRST = 0x1234,
	SECOND = 0x5678,
	MOST = 8
};

static int ep;

static long control(int op, int fd, uint64_t data)
{
	struct epoll_event event = { .events = EPOLLOUT, .data.u64 = data };

	return pw_sys(SYS_epoll_ctl, ep, op, fd, &event);
}

static void hear(int ms)
{
	struct epoll_event heard[MOST] = { 0 };
	long n = pw_sys(SYS_epoll_pwait, ep, heard, MOST, ms, NULL, 8);

	MUST(n >= 0 && n <= MOST);
	for (long i = 0; i < n; i++)
		MUST(heard[i].data.u64 == FIRST || heard[i].data.u64 == SECOND);
}

static void poll_it(int fd)
{
	struct pollfd one = { .fd = fd, .events = POLLIN | POLLOUT };
	struct timespec none = { 0 };
	long n = pw_sys(SYS_ppoll, &one, 1, &none, NULL, 8);

	MUST(n == (one.revents != 0) && one.fd == fd);
	MUST(!(one.revents & (POLLNVAL | POLLIN)));
}

static void select_it(int fd)
{
	struct timespec none = { 0 };
	fd_set out;
	long n;

	FD_ZERO(&out);
	FD_SET(fd, &out);
	n = pw_sys(SYS_pselect6, fd + 1, NULL, &out, NULL, &none, NULL);
	MUST(n == !!FD_ISSET(fd, &out));
}

/* By libc it hears of its socket alone, with the data that it gave last. */
static void end(int fd, uint64_t data)
{
	struct epoll_event heard[2] = { 0 };

	tell_end(fd);
	if (data) {
		TRY(epoll_wait(ep, heard, 2, 20000));
		say("events %x data %lx", heard[0].events & ~EPOLLIN,
		    (unsigned long)heard[0].data.u64);
	}
	close(fd);
	TRY(epoll_wait(ep, heard, 2, 0));
	MUST(close(ep) == 0);
}

static int registered(void)
{
	struct epoll_event event = { .events = EPOLLOUT, .data.u64 = FIRST };
	int fd = tcp(SOCK_NONBLOCK);

	MUST(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event) == 0);
	MUST(connect(fd, DEST) < 0 && errno == EINPROGRESS);
	return fd;
}

/* The number goes to another socket, of which alone is heard. */
static int again(int fd)
{
	struct epoll_event event = { .events = EPOLLOUT, .data.u64 = SECOND };
	int next;

	MUST(pw_sys(SYS_close, fd) == 0);
	hear(0);
	MUST((next = tcp(SOCK_NONBLOCK)) == fd);
	MUST(epoll_ctl(ep, EPOLL_CTL_ADD, next, &event) == 0);
	MUST(connect(next, DEST) < 0 && errno == EINPROGRESS);
	return next;
}

static void play(void)
{
	uint64_t data = FIRST;
	int fd;

	MUST((ep = epoll_create1(EPOLL_CLOEXEC)) >= 0);
	fd = registered();
	if (is_mode("poll")) {
		poll_it(fd);
	} else if (is_mode("select")) {
		select_it(fd);
	} else if (is_mode("close")) {
		fd = again(fd);
		data = SECOND;
	} else if (is_mode("deleted")) {
		control(EPOLL_CTL_DEL, fd, 0);
		data = 0;
	} else if (is_mode("modified")) {
		control(EPOLL_CTL_MOD, fd, SECOND);
		data = 0;
	} else if (is_mode("added-again")) {
		control(EPOLL_CTL_DEL, fd, 0);
		MUST(control(EPOLL_CTL_ADD, fd, SECOND) == 0);
		data = SECOND;
	}
	hear(0);
	go();
	hear(is_mode("deleted") ? 0 : 20000);
	hear(0);
	end(fd, data);
}
