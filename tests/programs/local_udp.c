/* SPDX-License-Identifier: MIT */
/* Datagrams to this host go as they always did. */
#include "trace.h"

static void play(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	int server = socket(AF_INET, SOCK_DGRAM, 0);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct iovec iov = { .iov_base = "cd", .iov_len = 2 };
	struct msghdr msg = { .msg_name = &in,
			      .msg_namelen = sizeof(in),
			      .msg_iov = &iov,
			      .msg_iovlen = 1 };
	socklen_t n = sizeof(in);
	char buf[8], wide[200] = { 0 };

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	MUST(bind(server, (struct sockaddr *)&in, n) == 0);
	MUST(getsockname(server, (struct sockaddr *)&in, &n) == 0);
	TRY(sendto(fd, "ab", 2, 0, (struct sockaddr *)&in, n));
	TRY(sendmsg(fd, &msg, 0));
	TRY(connect(fd, (struct sockaddr *)&in, n));
	TRY(send(fd, "ef", 2, 0));
	for (int i = 0; i < 3; i++)
		TRY(recv(server, buf, sizeof(buf), 0));
	TRY(sendto(fd, "x", 1, MSG_DONTWAIT, (struct sockaddr *)&in, 0));
	TRY(sendto(fd, "x", 1, MSG_DONTWAIT, (struct sockaddr *)&in, 8));
	memcpy(wide, &in, sizeof(in));
	msg.msg_name = wide;
	msg.msg_namelen = sizeof(wide);
	TRY(sendmsg(fd, &msg, 0));
	TRY(recv(server, buf, sizeof(buf), 0));
	TRY(peer_is_dest(fd));
	TRY(socket(AF_UNIX, SOCK_DGRAM, 0) < 0);
	TRY(socket(AF_NETLINK, SOCK_RAW, 0) < 0);
}
