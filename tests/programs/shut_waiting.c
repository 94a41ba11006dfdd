/* SPDX-License-Identifier: MIT */
/* shutdown() ends every wait of another thread for a pending socket. */
#include <sys/epoll.h>

#include "threads.h"

static _Atomic int tid;
static int fd;

static void wait_connect(void)
{
	TRY(connect(fd, DEST));
}

static void wait_read(void)
{
	char byte;

	TRY(read(fd, &byte, 1));
}

static void wait_send(void)
{
	TRY(send(fd, "x", 1, MSG_NOSIGNAL));
}

static void wait_poll(void)
{
	struct pollfd one = { .fd = fd, .events = POLLIN };

	TRY(poll(&one, 1, 20000));
	say("revents %x", one.revents);
}

static void wait_epoll(void)
{
	struct epoll_event event = { .events = EPOLLIN };
	int ep = epoll_create1(EPOLL_CLOEXEC);

	MUST(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event) == 0);
	TRY(epoll_wait(ep, &event, 1, 20000));
	say("events %x", event.events);
	close(ep);
}

static void *waiter(void *wait)
{
	tid = (int)syscall(SYS_gettid);
	((void (*)(void))wait)();
	return NULL;
}

/* What SO_ERROR says, and whether the socket can be used again. */
static void shut_while(void (*wait)(void))
{
	pthread_t thread;

	tid = 0;
	MUST(pthread_create(&thread, NULL, waiter, (void *)wait) == 0);
	if (wait == wait_connect)
		until_it_connects(&tid, fd);
	else
		until_it_waits(&tid);
	MUST(shutdown(fd, SHUT_RDWR) == 0);
	MUST(pthread_join(thread, NULL) == 0);
	say("error: %s", strerror(so_error(fd)));
	MUST(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
	TRY(connect(fd, DEST));
	close(fd);
}

static void play(void)
{
	if (is_mode("connect")) {
		fd = tcp(0);
		shut_while(wait_connect);
		fd = pending();
		MUST(fcntl(fd, F_SETFL, 0) == 0);
		shut_while(wait_connect);
		return;
	}
	fd = pending();
	shut_while(wait_poll);
	fd = pending();
	shut_while(wait_epoll);
	fd = pending();
	MUST(fcntl(fd, F_SETFL, 0) == 0);
	shut_while(wait_read);
	fd = pending();
	MUST(fcntl(fd, F_SETFL, 0) == 0);
	shut_while(wait_send);
}
