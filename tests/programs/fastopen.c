/* SPDX-License-Identifier: MIT */
/* MSG_FASTOPEN connects, by every call that takes it. */
#include "trace.h"

static void play(void)
{
	struct iovec iov = { .iov_base = "ab", .iov_len = 2 };
	struct msghdr msg = { .msg_name = &dest, .msg_namelen = dest_len,
			      .msg_iov = &iov, .msg_iovlen = 1 };
	struct mmsghdr mmsg = { .msg_hdr = msg };
	int flags = MSG_FASTOPEN | MSG_NOSIGNAL;
	int fd = tcp(strcmp(argument, "waits") ? SOCK_NONBLOCK : 0);
	char buf[4];

	if (strcmp(argument, "waits") == 0)
		go();
	if (is_mode("sendmsg"))
		TRY(sendmsg(fd, &msg, flags));
	else if (is_mode("sendmmsg"))
		TRY(sendmmsg(fd, &mmsg, 1, flags));
	else
		TRY(sendto(fd, "ab", 2, flags, DEST));
	if (strcmp(argument, "waits"))
		go();
	await(fd);
	say("error: %s", strerror(so_error(fd)));
	TRY(peer_is_dest(fd));
	if (!peer_is_dest(fd))
		return;
	if (strcmp(argument, "waits"))
		TRY(send(fd, "ab", 2, 0));
	TRY(recv(fd, buf, 2, MSG_WAITALL));
	TRY(sendto(fd, "ab", 2, flags, DEST));
}
