/* SPDX-License-Identifier: MIT */
/* MSG_FASTOPEN connects, by every call that takes it. */
#include "trace.h"

static void play(void)
{
	struct iovec iov = { .iov_base = "ab", .iov_len = 2 };
	struct msghdr msg = { .msg_name = &dest,
			      .msg_namelen = dest_len,
			      .msg_iov = &iov,
			      .msg_iovlen = 1 };
	struct mmsghdr mmsg = { .msg_hdr = msg };
	bool waits = strcmp(argument, "waits") == 0;
	int flags = MSG_FASTOPEN | MSG_NOSIGNAL;
	int fd = tcp(waits ? 0 : SOCK_NONBLOCK);
	struct pollfd one = { .fd = fd, .events = POLLIN };
	char buf[4];

	if (waits)
		go();
	if (is_mode("sendmsg"))
		TRY(sendmsg(fd, &msg, flags));
	else if (is_mode("sendmmsg"))
		TRY(sendmmsg(fd, &mmsg, 1, flags));
	else
		TRY(sendto(fd, "ab", 2, flags, DEST));
	if (!waits)
		go();
	await(fd);
	say("error: %s", strerror(so_error(fd)));
	TRY(peer_is_dest(fd));
	if (!peer_is_dest(fd))
		return;
	if (!waits)
		TRY(send(fd, "ab", 2, 0));
	TRY(poll(&one, 1, 20000));
	TRY(recv(fd, buf, 2, 0));
	TRY(sendto(fd, "ab", 2, flags, DEST));
}
