/* SPDX-License-Identifier: MIT */
/*
 * usage: talk VERB NAME PORT
 *
 * Resolves a name and connects, blocking; then `exchange` sends what standard
 * input has, and a FIN, and prints what comes back; `peer` says what it asked
 * for and who the peer is; `reset` asks to be reset; `leave` resets. `limited`
 * connects with a limit of a second.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int fail(const char *what)
{
	printf("%s: %s\n", what, strerror(errno));
	return 1;
}

/* Return: 0, or -1 with errno */
static int connect_within(int fd, const struct addrinfo *to, int limit_ms)
{
	struct pollfd pending = { .fd = fd, .events = POLLOUT };
	socklen_t size = sizeof(int);
	int error = 0;

	if (limit_ms == 0)
		return connect(fd, to->ai_addr, to->ai_addrlen);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	if (connect(fd, to->ai_addr, to->ai_addrlen) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return -1;
	if (poll(&pending, 1, limit_ms) == 0)
		error = ETIMEDOUT;
	else
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
	fcntl(fd, F_SETFL, 0);
	errno = error;
	return error ? -1 : 0;
}

static void copy(int from, int to)
{
	static char buffer[65536];
	ssize_t n, sent;

	while ((n = read(from, buffer, sizeof(buffer))) > 0)
		for (ssize_t at = 0; at < n; at += sent)
			if ((sent = write(to, buffer + at, (size_t)(n - at))) <
			    0)
				exit(fail("write"));
	if (n < 0)
		exit(fail("read"));
}

static void exchange(int fd)
{
	pid_t child = fork();

	if (child == 0) {
		copy(STDIN_FILENO, fd);
		shutdown(fd, SHUT_WR);
		_exit(0);
	}
	copy(fd, STDOUT_FILENO);
	waitpid(child, NULL, 0);
}

static void say(const char *what, const struct sockaddr *addr, socklen_t size)
{
	char host[NI_MAXHOST], port[NI_MAXSERV];

	getnameinfo(addr, size, host, sizeof(host), port, sizeof(port),
		    NI_NUMERICHOST | NI_NUMERICSERV);
	printf("%s %s %s\n", what, host, port);
}

int main(int argc, char **argv)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *to;
	struct linger at_once = { .l_onoff = 1 };
	struct sockaddr_storage peer;
	socklen_t size = sizeof(peer);
	const char *verb = argv[1];
	char answer[16];
	int fd, error;

	if (argc != 4)
		return 2;
	error = getaddrinfo(argv[2], argv[3], &hints, &to);
	if (error) {
		printf("getaddrinfo: %s\n", gai_strerror(error));
		return 1;
	}
	fd = socket(to->ai_family, to->ai_socktype, to->ai_protocol);
	if (connect_within(fd, to, strcmp(verb, "limited") ? 0 : 1000) < 0)
		return fail("connect");
	if (strcmp(verb, "exchange") == 0 || strcmp(verb, "limited") == 0) {
		exchange(fd);
	} else if (strcmp(verb, "peer") == 0) {
		getpeername(fd, (struct sockaddr *)&peer, &size);
		say("asked", to->ai_addr, to->ai_addrlen);
		say("peer", (struct sockaddr *)&peer, size);
	} else {
		if (dprintf(fd, "%s\n", verb) < 0)
			return fail("write");
		if (read(fd, answer, sizeof(answer)) < 0)
			return fail("read");
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once,
			   sizeof(at_once));
		close(fd);
		puts("left");
	}
	freeaddrinfo(to);
	return 0;
}
