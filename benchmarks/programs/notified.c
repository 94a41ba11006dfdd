/* SPDX-License-Identifier: MIT */
/*
 * usage: notified CALL COUNT PORT [any-filter]
 *
 * Makes one system call so many times and prints how many nanoseconds it took.
 * PORT is that of a SOCKS5 server on 127.0.0.1 (`pump serve`). With any-filter
 * it is under a seccomp filter that lets everything pass: what the kernel takes
 * for having one.
 */
#include <arpa/inet.h>
#include <err.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int local[2], tcp, udp, channel[2];
static struct sockaddr_in server, destination, own;
static char byte[1];
static struct iovec iov = { .iov_base = byte, .iov_len = 1 };
static struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

static int stream_to(const struct sockaddr_in *sin)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(fd, (const void *)sin, sizeof(*sin)) < 0)
		err(1, "connect");
	return fd;
}

/* Without a TIME_WAIT, of which there would be too many. */
static void close_at_once(int fd)
{
	struct linger reset = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(fd);
}

static void call_connect(void)
{
	close_at_once(stream_to(&destination));
}

/* What connecting through a proxy takes without a wrapper. */
static void call_connect_by_socks(void)
{
	static const char request[10] = { 5, 1, 0, 1, 127, 0, 0, 1, 0, 80 };
	char reply[sizeof(request)];
	int fd = stream_to(&server);

	write(fd, "\5\1\0", 3);
	recv(fd, reply, 2, MSG_WAITALL);
	write(fd, request, sizeof(request));
	recv(fd, reply, sizeof(reply), MSG_WAITALL);
	close_at_once(fd);
}

static void call_unix_sendmsg(void)
{
	sendmsg(local[0], &msg, 0);
	read(local[1], byte, 1);
}

static void call_unix_recvmsg(void)
{
	write(local[0], byte, 1);
	recvmsg(local[1], &msg, 0);
}

static void call_tcp_sendmsg(void)
{
	sendmsg(tcp, &msg, 0);
}

static void call_udp_sendto(void)
{
	sendto(udp, byte, 1, 0, (const void *)&own, sizeof(own));
	read(udp, byte, 1);
}

static void call_getpeername(void)
{
	struct sockaddr_in sin;
	socklen_t size = sizeof(sin);

	getpeername(tcp, (void *)&sin, &size);
}

static void call_getpid(void)
{
	syscall(SYS_getpid);
}

static void call_pipe(void)
{
	write(channel[1], byte, 1);
	read(channel[0], byte, 1);
}

static const struct {
	const char *name;
	void (*call)(void);
} calls[] = {
	{ "connect", call_connect },
	{ "connect-far", call_connect },
	{ "connect-by-socks", call_connect_by_socks },
	{ "unix-sendmsg", call_unix_sendmsg },
	{ "unix-recvmsg", call_unix_recvmsg },
	{ "tcp-sendmsg", call_tcp_sendmsg },
	{ "udp-sendto", call_udp_sendto },
	{ "getpeername", call_getpeername },
	{ "getpid", call_getpid },
	{ "pipe", call_pipe },
};

static void set_up(const char *call, const char *port)
{
	static const struct {
		uint64_t bytes;
		char direction;
	} order = { UINT64_MAX, 'u' };
	socklen_t size = sizeof(own);

	server.sin_family = AF_INET;
	server.sin_port = htons((uint16_t)atoi(port));
	inet_pton(AF_INET, "127.0.0.1", &server.sin_addr);
	destination = server;
	if (strcmp(call, "connect-far") == 0) /* loopback is not proxied */
		inet_pton(AF_INET, "198.51.100.7", &destination.sin_addr);
	tcp = stream_to(&server);
	write(tcp, &order, sizeof(order));
	udp = socket(AF_INET, SOCK_DGRAM, 0);
	own = server;
	own.sin_port = 0;
	if (bind(udp, (const void *)&own, sizeof(own)) < 0 ||
	    getsockname(udp, (void *)&own, &size) < 0 || pipe(channel) < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, local) < 0)
		err(1, "expected sockets");
}

static int64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

static void put_any_filter(void)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog prog = { .len = 1, .filter = &allow };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0)
		err(1, "seccomp");
}

int main(int argc, char **argv)
{
	if (argc < 4)
		errx(2, "expected CALL COUNT PORT");
	if (argc > 4)
		put_any_filter();
	set_up(argv[1], argv[3]);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (strcmp(argv[1], calls[i].name))
			continue;
		calls[i].call(); /* the first one has more to do */
		int64_t begin = now();
		for (int n = atoi(argv[2]); n; n--)
			calls[i].call();
		printf("%lld\n", (long long)(now() - begin));
		return 0;
	}
	errx(2, "no such call: %s", argv[1]);
}
