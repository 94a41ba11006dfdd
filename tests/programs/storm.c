/* SPDX-License-Identifier: MIT */
/* Threads that connect, wait in every way, change their minds and fork. */
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/select.h>

#include "trace.h"

enum {
	THREADS = 8,
	ROUNDS = 60
};

static int shared;

static int wait_in(int how, int fd)
{
	struct epoll_event event = { .events = EPOLLOUT | EPOLLET };
	struct pollfd one = { .fd = fd, .events = POLLOUT };
	struct timeval limit = { .tv_sec = 20 };
	fd_set out;
	int ep, ret;

	switch (how) {
	case 0:
		return poll(&one, 1, 20000);
	case 1:
		FD_ZERO(&out);
		FD_SET(fd, &out);
		return select(fd + 1, NULL, &out, NULL, &limit);
	case 2:
		ep = epoll_create1(EPOLL_CLOEXEC);
		MUST(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event) == 0);
		ret = epoll_wait(ep, &event, 1, 20000);
		close(ep);
		return ret;
	default:
		/* A set that all threads use, and wait for in vain. */
		MUST(epoll_ctl(shared, EPOLL_CTL_ADD, fd, &event) == 0);
		epoll_wait(shared, &event, 1, 0);
		MUST(fcntl(fd, F_SETFL, 0) == 0);
		return connect(fd, DEST) == 0;
	}
}

static void *work(void *unused)
{
	unsigned int seed = (unsigned int)(uintptr_t)unused;

	for (int i = 0; i < ROUNDS; i++) {
		int fd = tcp(SOCK_NONBLOCK | SOCK_CLOEXEC),
		    how = rand_r(&seed) % 8;

		MUST(connect(fd, DEST) < 0 && errno == EINPROGRESS);
		if (how == 7 && i % 8 == 0) {
			pid_t child = fork();

			if (child == 0)
				_exit(wait_in(0, fd) == 1 && close(fd) == 0
					      ? 0
					      : 1);
			MUST(child > 0 && waitpid(child, &how, 0) == child &&
			     how == 0);
		} else if (how < 5) {
			MUST(wait_in(how, fd) == 1);
			MUST(so_error(fd) == 0 && peer_is_dest(fd) &&
			     echoes(fd));
		}
		MUST(close(fd) == 0);
	}
	return NULL;
}

static void play(void)
{
	pthread_t threads[THREADS];
	int before = dup(0);

	close(before);
	shared = epoll_create1(EPOLL_CLOEXEC);
	go();
	for (uintptr_t i = 0; i < THREADS; i++)
		MUST(pthread_create(&threads[i], NULL, work, (void *)(i + 1)) ==
		     0);
	for (int i = 0; i < THREADS; i++)
		MUST(pthread_join(threads[i], NULL) == 0);
	close(shared);
	TRY(dup(0) == before);
}
