/* SPDX-License-Identifier: MIT */
/* A pending socket that is passed on is connected where it arrives. */
#include "trace.h"

static void play(void)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 }, byte = 'x';
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *head = CMSG_FIRSTHDR(&msg);
	int fd = pending(), ends[2], got;

	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	go_soon();
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(head), &fd, sizeof(fd));
	TRY(sendmsg(ends[0], &msg, 0));
	MUST(recvmsg(ends[1], &msg, 0) == 1);
	memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(got));
	TRY(await(got));
	TRY(echoes(got));
	TRY(peer_is_dest(fd));
}
