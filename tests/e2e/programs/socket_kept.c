/* SPDX-License-Identifier: MIT */
/*
 * Tell what connect() has changed of a socket's flags and options.
 *
 * usage: socket_kept MANNER LABEL ADDRESS PORT [LABEL ADDRESS PORT]...
 *
 * MANNER is blocking, nonblocking or limited (by SO_SNDTIMEO). A line is
 * "LABEL outcome", or "LABEL NAME BEFORE AFTER" for what has changed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum {
	FLAGS = 5,
	NAMES = 86,
	MOST = 64
};

static const int levels[] = { SOL_SOCKET, IPPROTO_TCP, IPPROTO_IP,
			      IPPROTO_IPV6 };

struct value {
	int size; /* -1: there is none */
	unsigned char data[MOST];
};

struct state {
	int flags[FLAGS];
	struct value options[4][NAMES];
};

/* What asks a packet filter, or is about the last packets. */
static int is_passed_over(int level, int name)
{
	if (level == SOL_SOCKET)
		return name == SO_ERROR;
	if (level == IPPROTO_TCP)
		return name == TCP_INFO || name == 35 /* ZEROCOPY_RECEIVE */;
	if (level == IPPROTO_IPV6)
		return name == 64 || name == 65 || name == 68 || name == 69;
	return name >= 64;
}

static void look(int fd, struct state *state)
{
	static const int commands[FLAGS] = { F_GETFL, F_GETFD, F_GETOWN,
					     F_GETSIG, F_GETLEASE };

	for (int i = 0; i < FLAGS; i++)
		state->flags[i] = fcntl(fd, commands[i]);
	for (int i = 0; i < 4; i++)
		for (int name = 1; name < NAMES; name++) {
			struct value *value = &state->options[i][name];
			socklen_t size = sizeof(value->data);

			memset(value, 0, sizeof(*value));
			value->size = -1;
			if (!is_passed_over(levels[i], name) &&
			    getsockopt(fd, levels[i], name, value->data,
				       &size) == 0)
				value->size = (int)size;
		}
}

static void print(const struct value *value)
{
	putchar(' ');
	if (value->size < 0)
		putchar('-');
	for (int i = 0; i < value->size; i++)
		printf("%02x", value->data[i]);
}

static void compare(const char *label, const struct state *before,
		    const struct state *after)
{
	static const char *const flags[FLAGS] = { "F_GETFL", "F_GETFD",
						  "F_GETOWN", "F_GETSIG",
						  "F_GETLEASE" };
	static const char *const names[] = { "SOL_SOCKET", "TCP", "IP",
					     "IPV6" };

	for (int i = 0; i < FLAGS; i++)
		if (before->flags[i] != after->flags[i])
			printf("%s %s %#x %#x\n", label, flags[i],
			       before->flags[i], after->flags[i]);
	for (int i = 0; i < 4; i++)
		for (int name = 1; name < NAMES; name++) {
			const struct value *was = &before->options[i][name];
			const struct value *is = &after->options[i][name];

			if (was->size == is->size &&
			    memcmp(was->data, is->data, MOST) == 0)
				continue;
			printf("%s %s:%d", label, names[i], name);
			print(was);
			print(is);
			putchar('\n');
		}
}

/* Give what can be given a value that no socket has by itself; what this
 * kernel or user may not set stays. */
static void make_unusual(int fd, int family)
{
	static const struct {
		int level, name, value;
	} numbers[] = {
		{ SOL_SOCKET, SO_REUSEADDR, 1 },
		{ SOL_SOCKET, SO_BROADCAST, 1 },
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ SOL_SOCKET, SO_OOBINLINE, 1 },
		{ SOL_SOCKET, SO_PRIORITY, 3 },
		{ SOL_SOCKET, SO_SNDBUF, 50000 },
		{ SOL_SOCKET, SO_RCVBUF, 60000 },
		{ SOL_SOCKET, SO_RCVLOWAT, 7 },
		{ SOL_SOCKET, SO_TIMESTAMP, 1 },
		{ SOL_SOCKET, SO_BUSY_POLL, 11 },
		{ SOL_SOCKET, SO_MAX_PACING_RATE, 1 << 30 },
		{ SOL_SOCKET, SO_MARK, 77 },
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
		{ IPPROTO_TCP, TCP_CORK, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, 71 },
		{ IPPROTO_TCP, TCP_KEEPINTVL, 72 },
		{ IPPROTO_TCP, TCP_KEEPCNT, 7 },
		{ IPPROTO_TCP, TCP_SYNCNT, 3 },
		{ IPPROTO_TCP, TCP_LINGER2, 31 },
		{ IPPROTO_TCP, TCP_DEFER_ACCEPT, 0 },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, 54321 },
		{ IPPROTO_TCP, TCP_NOTSENT_LOWAT, 12345 },
		{ IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS, 1 },
		{ IPPROTO_TCP, TCP_INQ, 1 },
		{ IPPROTO_IP, IP_TOS, 0x48 },
		{ IPPROTO_IP, IP_RECVTOS, 1 },
		{ IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT },
		{ IPPROTO_IP, IP_FREEBIND, 1 },
		{ IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1 },
		{ IPPROTO_IP, IP_MULTICAST_TTL, 5 },
		{ IPPROTO_IPV6, IPV6_TCLASS, 0x48 },
		{ IPPROTO_IPV6, IPV6_RECVTCLASS, 1 },
		{ IPPROTO_IPV6, IPV6_UNICAST_HOPS, 63 },
	};
	struct linger linger = { .l_onoff = 1, .l_linger = 9 };
	struct timeval limit = { .tv_sec = 21 };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		if (numbers[i].level != IPPROTO_IPV6 || family == AF_INET6)
			setsockopt(fd, numbers[i].level, numbers[i].name,
				   &numbers[i].value, sizeof(int));
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	signal(SIGUSR1, SIG_IGN);
	fcntl(fd, F_SETOWN, getpid());
	fcntl(fd, F_SETSIG, SIGUSR1);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_ASYNC);
}

static const char *finish(int fd, int result)
{
	struct pollfd wait = { .fd = fd, .events = POLLOUT };
	int error = result < 0 ? errno : 0;
	socklen_t size = sizeof(error);

	if (error == EINPROGRESS) {
		poll(&wait, 1, -1);
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
	}
	return error ? strerror(error) : "connected";
}

static int play(const char *manner, char *const words[3])
{
	static struct state before, after;
	struct addrinfo *found, hints = { .ai_socktype = SOCK_STREAM };
	struct timeval limit = { .tv_sec = 19 };
	int error = getaddrinfo(words[1], words[2], &hints, &found);
	int flag = strcmp(manner, "nonblocking") == 0 ? SOCK_NONBLOCK : 0;

	if (error != 0) {
		printf("%s %s\n", words[0], gai_strerror(error));
		return -1;
	}
	int fd = socket(found->ai_family, SOCK_STREAM | flag, 0);

	make_unusual(fd, found->ai_family);
	if (strcmp(manner, "limited") == 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	look(fd, &before);
	int result = connect(fd, found->ai_addr, found->ai_addrlen);
	const char *outcome = finish(fd, result);

	look(fd, &after);
	printf("%s %s\n", words[0], outcome);
	compare(words[0], &before, &after);
	freeaddrinfo(found);
	return close(fd);
}

int main(int argc, char **argv)
{
	for (int i = 2; i + 2 < argc; i += 3)
		play(argv[1], argv + i);
	return fflush(stdout);
}
