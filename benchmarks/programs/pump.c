/* SPDX-License-Identifier: MIT */
/*
 * usage: pump serve HOST PORT
 *        pump down|up HOST PORT BYTES COUNT [PROXY_PORT]
 *        pump mute HOST PORT
 *        pump relayed|parked HOST PORT COUNT
 *
 * serve: a SOCKS5 server (RFC 1928) that is itself every destination, so that
 * between a client and it there is no relay but the one that is measured; it
 * also takes a client without SOCKS.
 * down, up: COUNT connections at once that carry BYTES together, each connected
 * without blocking, which has a filtered program's socket parked. With
 * PROXY_PORT by an own SOCKS client, through a proxy on 127.0.0.1.
 * mute: a server that never says a word.
 * relayed, parked: COUNT connections, made or begun, and held until standard
 * input ends.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	CHUNK = 1 << 20,
	SOCKS_REQUEST = 10,
};

struct order {
	uint64_t bytes;
	char direction; /* of the client: 'd'own, 'u'p */
};

static char buffer[CHUNK];

static void read_all(int fd, void *out, size_t n)
{
	for (size_t done = 0; done < n;) {
		ssize_t got = read(fd, (char *)out + done, n - done);

		if (got <= 0)
			err(1, "expected %zu bytes, got %zu", n, done);
		done += (size_t)got;
	}
}

static void write_all(int fd, const void *data, size_t n)
{
	for (size_t done = 0; done < n;) {
		ssize_t put = write(fd, (const char *)data + done, n - done);

		if (put < 0)
			err(1, "write");
		done += (size_t)put;
	}
}

static void source(int fd, uint64_t bytes)
{
	while (bytes) {
		size_t n = bytes < CHUNK ? (size_t)bytes : CHUNK;

		write_all(fd, buffer, n);
		bytes -= n;
	}
}

static void sink(int fd, uint64_t bytes)
{
	while (bytes) {
		size_t n = bytes < CHUNK ? (size_t)bytes : CHUNK;
		ssize_t got = read(fd, buffer, n);

		if (got <= 0)
			err(1, "%llu bytes are missing",
			    (unsigned long long)bytes);
		bytes -= (uint64_t)got;
	}
}

/* The server's side of one connection. */
static void serve_one(int fd)
{
	static const char method[] = { 5, 0 };
	static const char reply[SOCKS_REQUEST] = { 5, 0, 0, 1 };
	struct order order;
	char first, n;

	if (recv(fd, &first, 1, MSG_PEEK) != 1)
		return;
	if (first == 5) {
		read_all(fd, buffer, 2);
		n = buffer[1];
		read_all(fd, buffer, (size_t)n);
		write_all(fd, method, sizeof(method));
		read_all(fd, buffer, SOCKS_REQUEST);
		write_all(fd, reply, sizeof(reply));
	}
	if (recv(fd, &order, sizeof(order), MSG_WAITALL) != sizeof(order))
		return;
	if (order.direction == 'd') {
		source(fd, order.bytes);
	} else {
		sink(fd, order.bytes);
		write_all(fd, "!", 1);
	}
}

static struct sockaddr_in inet(const char *host, const char *port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };

	sin.sin_port = htons((uint16_t)atoi(port));
	inet_pton(AF_INET, host, &sin.sin_addr);
	return sin;
}

static int listener_at(const struct sockaddr_in *sin)
{
	int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (const void *)sin, sizeof(*sin)) < 0 ||
	    listen(listener, 4096) < 0)
		err(1, "listen");
	return listener;
}

static void serve(const struct sockaddr_in *sin)
{
	int listener = listener_at(sin);

	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			err(1, "accept");
		if (fork() == 0) {
			serve_one(fd);
			_exit(0);
		}
		close(fd);
	}
}

static int begun(const struct sockaddr_in *sin)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (connect(fd, (const void *)sin, sizeof(*sin)) < 0 &&
	    errno != EINPROGRESS)
		err(1, "connect");
	return fd;
}

/* Connect without blocking, then be as blocking as any. */
static int connected(const struct sockaddr_in *sin)
{
	int fd = begun(sin), error;
	struct pollfd entry = { .fd = fd, .events = POLLOUT };
	socklen_t size = sizeof(error);

	if (poll(&entry, 1, -1) < 0)
		err(1, "poll");
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
	if (error)
		errx(1, "connect: %s", strerror(error));
	fcntl(fd, F_SETFL, 0);
	return fd;
}

static int through_proxy(const struct sockaddr_in *sin, const char *port)
{
	struct sockaddr_in proxy = inet("127.0.0.1", port);
	char request[SOCKS_REQUEST] = { 5, 1, 0, 1 };
	int fd = connected(&proxy);

	memcpy(request + 4, &sin->sin_addr, 4);
	memcpy(request + 8, &sin->sin_port, 2);
	write_all(fd, "\5\1\0", 3);
	read_all(fd, buffer, 2);
	write_all(fd, request, sizeof(request));
	read_all(fd, buffer, SOCKS_REQUEST);
	if (buffer[1])
		errx(1, "the proxy refused: %d", buffer[1]);
	return fd;
}

static void carry(int fd, char direction, uint64_t bytes)
{
	struct order order = { .direction = direction, .bytes = bytes };

	write_all(fd, &order, sizeof(order));
	if (direction == 'd') {
		sink(fd, bytes);
	} else {
		source(fd, bytes);
		read_all(fd, buffer, 1);
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in sin;
	int count, status;

	if (argc < 4 + (strchr("sm", argv[1][0]) == NULL))
		errx(2, "see the head of pump.c");
	sin = inet(argv[2], argv[3]);
	if (argv[1][0] == 's')
		serve(&sin);
	if (argv[1][0] == 'm') {
		listener_at(&sin);
		return pause();
	}
	if (argc < 6) {
		for (count = atoi(argv[4]); count; count--)
			argv[1][0] == 'p' ? begun(&sin) : connected(&sin);
		puts(argv[1]);
		fflush(stdout);
		return (int)read(0, buffer, 1);
	}
	count = atoi(argv[5]);
	for (int i = 0; i < count; i++) {
		if (fork() == 0) {
			int fd = argc > 6 ? through_proxy(&sin, argv[6])
					  : connected(&sin);

			carry(fd, argv[1][0],
			      strtoull(argv[4], NULL, 10) / (unsigned)count);
			_exit(0);
		}
	}
	while (wait(&status) > 0)
		if (status)
			return 1;
	return 0;
}
