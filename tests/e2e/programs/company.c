/* SPDX-License-Identifier: MIT */
/*
 * usage: company NAME PORT [LIBRARY]
 *
 * Talks to an echo server in every manner: from threads, by blocking and by
 * non-blocking connects, waiting in poll and in epoll, and from a child.
 * With LIBRARY, says whether a library of that name is loaded.
 */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	THREADS = 4,
	CONNECTS = 6,
	BYTES = 3000
};

static const char *name, *port;

static void fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

static int start(int flags)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list;
	int fd, error = getaddrinfo(name, port, &hints, &list);

	if (error)
		fail(gai_strerror(error));
	fd = socket(list->ai_family, SOCK_STREAM | flags, 0);
	if (connect(fd, list->ai_addr, list->ai_addrlen) &&
	    errno != EINPROGRESS)
		fail("connect");
	freeaddrinfo(list);
	return fd;
}

static void finish(int fd, int seed)
{
	char out[BYTES], in[BYTES];
	int error = -1;
	socklen_t n = sizeof(error);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) || error)
		fail("SO_ERROR");
	for (int i = 0; i < BYTES; i++)
		out[i] = (char)(i * 7 + seed);
	if (send(fd, out, BYTES, 0) != BYTES)
		fail("send");
	for (ssize_t at = 0; at < BYTES;) {
		struct pollfd one = { .fd = fd, .events = POLLIN };
		ssize_t got;

		poll(&one, 1, -1);
		got = recv(fd, in + at, (size_t)(BYTES - at), 0);
		if (got <= 0)
			fail("recv");
		at += got;
	}
	if (memcmp(in, out, BYTES))
		fail("other bytes");
	close(fd);
}

static void *in_thread(void *seed)
{
	finish(start(0), *(int *)seed);
	return NULL;
}

static void by_poll(void)
{
	struct pollfd fds[CONNECTS];

	for (int i = 0; i < CONNECTS; i++)
		fds[i] = (struct pollfd){ .fd = start(SOCK_NONBLOCK),
					  .events = POLLOUT };
	for (int left = CONNECTS; left;) {
		if (poll(fds, CONNECTS, -1) < 0)
			fail("poll");
		for (int i = 0; i < CONNECTS; i++) {
			if (fds[i].fd < 0 || !fds[i].revents)
				continue;
			finish(fds[i].fd, i);
			fds[i].fd = -1;
			left--;
		}
	}
}

static void by_epoll(void)
{
	int set = epoll_create1(0);

	for (int i = 0; i < CONNECTS; i++) {
		struct epoll_event event = { .events = EPOLLOUT | EPOLLET };

		event.data.fd = start(SOCK_NONBLOCK);
		epoll_ctl(set, EPOLL_CTL_ADD, event.data.fd, &event);
	}
	for (int left = CONNECTS; left; left--) {
		struct epoll_event event;

		if (epoll_wait(set, &event, 1, -1) != 1)
			fail("epoll_wait");
		finish(event.data.fd, left);
	}
	close(set);
}

static void by_child(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		finish(start(0), 99);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid || status)
		fail("child");
}

static int is_loaded(const char *library)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[1000];
	int found = 0;

	while (fgets(line, sizeof(line), maps))
		found |= strstr(line, library) != NULL;
	fclose(maps);
	return found;
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS];
	int seeds[THREADS];

	if (argc < 3)
		return 2;
	name = argv[1];
	port = argv[2];
	for (int i = 0; i < THREADS; i++) {
		seeds[i] = i;
		pthread_create(&threads[i], NULL, in_thread, &seeds[i]);
	}
	by_poll();
	by_epoll();
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	by_child();
	puts("all came back");
	if (argc > 3)
		printf("%s: %s\n", argv[3], is_loaded(argv[3]) ? "yes" : "no");
	return 0;
}
