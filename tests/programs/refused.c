/* SPDX-License-Identifier: MIT */
/* What no chain of proxies carries is refused, and with what. */
#include <sys/un.h>

#include "trace.h"

static struct sockaddr_in to(const char *host, int port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)port) };

	MUST(inet_pton(AF_INET, host, &in.sin_addr) == 1);
	return in;
}

static void datagrams(const char *host, int port)
{
	struct sockaddr_in in = to(host, port);
	struct iovec iov = { .iov_base = "x", .iov_len = 1 };
	struct msghdr msg = { .msg_name = &in,
			      .msg_namelen = sizeof(in),
			      .msg_iov = &iov,
			      .msg_iovlen = 1 };
	struct mmsghdr mmsg = { .msg_hdr = msg };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	say("%s:%d", host, port);
	TRY(sendto(fd, "x", 1, 0, (struct sockaddr *)&in, sizeof(in)));
	TRY(sendmsg(fd, &msg, 0));
	TRY(sendmmsg(fd, &mmsg, 1, 0));
	TRY(connect(fd, (struct sockaddr *)&in, sizeof(in)));
	TRY(sendto(fd, "x", 1, 0, (void *)8, 16));
	close(fd);
}

/* The kernel takes it for IPv4, as long as it is not connected to. */
static void no_family(const char *host, int port)
{
	struct sockaddr_in in = to(host, port);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	in.sin_family = AF_UNSPEC;
	TRY(sendto(fd, "x", 1, 0, (struct sockaddr *)&in, sizeof(in)));
	close(fd);
}

static void play(void)
{
	struct sockaddr_un un = { AF_UNIX, "/run/nscd/socket" };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct sockaddr_in in = to("127.0.0.53", 853);

	datagrams("198.51.100.7", 9);
	datagrams("198.51.100.7", 853);
	datagrams("127.0.0.53", 853);
	no_family("198.51.100.7", 9);
	no_family("127.0.0.53", 853);
	TRY(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
	TRY(socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP));
	TRY(socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6));
	TRY(socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP));
	TRY(socket(AF_INET, SOCK_SEQPACKET, IPPROTO_SCTP));
	TRY(socket(AF_INET, SOCK_DGRAM, 136));
	TRY(socket(AF_PACKET, SOCK_RAW, 0x300));
	TRY(socket(40, SOCK_STREAM, 0));
	TRY(connect(fd, (struct sockaddr *)&un, sizeof(un)));
	strcpy(un.sun_path, "/run/systemd/resolve/io.systemd.Resolve");
	TRY(connect(fd, (struct sockaddr *)&un, sizeof(un)));
	strcpy(un.sun_path, "/run/avahi-daemon/socket");
	TRY(connect(fd, (struct sockaddr *)&un, sizeof(un)));
	TRY(connect(tcp(0), (struct sockaddr *)&in, sizeof(in)));
}
