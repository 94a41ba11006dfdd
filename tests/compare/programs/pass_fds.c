/* SPDX-License-Identifier: MIT */
/* Data, and then descriptors with a connected socket among them, pass a Unix
 * socket. */
#include "trace.h"

static int ends[2];

static void pass(const int fds[3])
{
	char control[CMSG_SPACE(3 * sizeof(int))] = { 0 }, byte = 'x';
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *head = CMSG_FIRSTHDR(&msg);
	int got[3];

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(got));
	memcpy(CMSG_DATA(head), fds, sizeof(got));
	TRY(sendmsg(ends[0], &msg, 0));
	memset(control, 0, sizeof(control));
	TRY(recvmsg(ends[1], &msg, 0));
	MUST(CMSG_FIRSTHDR(&msg));
	memcpy(got, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(got));
	TRY(write(got[1], "y", 1));
	TRY(echoes(got[2]));
}

static void play(void)
{
	int fds[3];
	char byte;

	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	MUST(pipe(fds) == 0);
	fds[2] = tcp(0);
	MUST(connect(fds[2], DEST) == 0);
	TRY(send(ends[0], "x", 1, 0));
	TRY(recv(ends[1], &byte, 1, 0));
	pass(fds);
}
