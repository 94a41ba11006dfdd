/* SPDX-License-Identifier: MIT */
/*
 * usage: calls FUNCTION COUNT
 *
 * Calls one function so many times, on descriptors that are ready, and prints
 * how many nanoseconds that took. With CONNECT in the environment it connects
 * once before: the shim's tables are there, as they are in any program that is
 * worth wrapping.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static int pair[2], epfd, null, inet;
static char byte;
static struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
static struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
static struct epoll_event event = { .events = EPOLLOUT };

static void call_read(void)
{
	read(null, &byte, 1);
}

static void call_write(void)
{
	write(null, &byte, 1);
}

static void call_readv(void)
{
	readv(null, &iov, 1);
}

static void call_writev(void)
{
	writev(null, &iov, 1);
}

static void call_recv(void)
{
	recv(pair[1], &byte, 1, MSG_PEEK);
}

static void call_recvfrom(void)
{
	recvfrom(pair[1], &byte, 1, MSG_PEEK, NULL, NULL);
}

static void call_recvmsg(void)
{
	recvmsg(pair[1], &msg, MSG_PEEK);
}

static void call_send(void)
{
	send(pair[0], &byte, 0, 0);
}

static void call_sendto(void)
{
	sendto(pair[0], &byte, 0, 0, NULL, 0);
}

static void call_sendmsg(void)
{
	struct msghdr none = { 0 };

	sendmsg(pair[0], &none, 0);
}

static void call_poll(void)
{
	struct pollfd ready = { .fd = pair[0], .events = POLLOUT };

	poll(&ready, 1, -1);
}

static void call_ppoll(void)
{
	struct pollfd ready = { .fd = pair[0], .events = POLLOUT };

	ppoll(&ready, 1, NULL, NULL);
}

static void call_select(void)
{
	fd_set out;

	FD_ZERO(&out);
	FD_SET(pair[0], &out);
	select(pair[0] + 1, NULL, &out, NULL, NULL);
}

static void call_epoll_wait(void)
{
	struct epoll_event ready;

	epoll_wait(epfd, &ready, 1, -1);
}

static void call_epoll_ctl(void)
{
	epoll_ctl(epfd, EPOLL_CTL_MOD, pair[0], &event);
}

static void call_fcntl(void)
{
	fcntl(pair[0], F_GETFL);
}

static void call_getsockopt(void)
{
	int value;
	socklen_t n = sizeof(value);

	getsockopt(inet, SOL_SOCKET, SO_RCVBUF, &value, &n);
}

static void call_setsockopt(void)
{
	int value = 1;

	setsockopt(inet, SOL_SOCKET, SO_KEEPALIVE, &value, sizeof(value));
}

static void call_close(void)
{
	close(-1);
}

static const struct {
	const char *name;
	void (*call)(void);
} calls[] = {
	{ "read", call_read },
	{ "write", call_write },
	{ "readv", call_readv },
	{ "writev", call_writev },
	{ "recv", call_recv },
	{ "recvfrom", call_recvfrom },
	{ "recvmsg", call_recvmsg },
	{ "send", call_send },
	{ "sendto", call_sendto },
	{ "sendmsg", call_sendmsg },
	{ "poll", call_poll },
	{ "ppoll", call_ppoll },
	{ "select", call_select },
	{ "epoll_wait", call_epoll_wait },
	{ "epoll_ctl", call_epoll_ctl },
	{ "fcntl", call_fcntl },
	{ "getsockopt", call_getsockopt },
	{ "setsockopt", call_setsockopt },
	{ "close", call_close },
};

/* Nobody need answer. */
static void connect_once(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	to.sin_addr.s_addr = htonl(0xc6336407); /* 198.51.100.7 */
	connect(fd, (struct sockaddr *)&to, sizeof(to));
	close(fd);
}

int main(int argc, char **argv)
{
	long count;

	if (argc != 3 || (count = atol(argv[2])) < 0)
		return 2;
	if (getenv("CONNECT"))
		connect_once();
	null = open("/dev/zero", O_RDWR);
	inet = socket(AF_INET, SOCK_STREAM, 0);
	epfd = epoll_create1(0);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) ||
	    epoll_ctl(epfd, EPOLL_CTL_ADD, pair[0], &event) ||
	    write(pair[0], &byte, 1) != 1)
		return 1;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (strcmp(calls[i].name, argv[1]) == 0) {
			struct timespec begin, end;

			clock_gettime(CLOCK_MONOTONIC, &begin);
			while (count--)
				calls[i].call();
			clock_gettime(CLOCK_MONOTONIC, &end);
			printf("%lld\n",
			       (end.tv_sec - begin.tv_sec) * 1000000000LL +
				       end.tv_nsec - begin.tv_nsec);
			return 0;
		}
	return 2;
}
