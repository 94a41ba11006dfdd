/* SPDX-License-Identifier: MIT */
/* No byte passes a pending socket, by whatever call; all pass afterwards. */
#include <sys/sendfile.h>

#include "trace.h"

static int fd, file;
static char byte = 'x';
static struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
static struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
static struct mmsghdr mmsg;

static void write_all(int flags)
{
	off_t at = 0;
	int pipes[2];

	MUST(pipe(pipes) == 0 && write(pipes[1], "abc", 3) == 3);
	mmsg.msg_hdr = msg;
	TRY(send(fd, &byte, 1, MSG_NOSIGNAL | flags));
	TRY(sendto(fd, &byte, 1, MSG_NOSIGNAL | flags, NULL, 0));
	TRY(sendmsg(fd, &msg, MSG_NOSIGNAL | flags));
	TRY(sendmmsg(fd, &mmsg, 1, MSG_NOSIGNAL | flags));
	if (flags)
		return;
	TRY(write(fd, &byte, 1));
	TRY(writev(fd, &iov, 1));
	TRY(sendfile(fd, file, &at, 1));
	TRY(splice(pipes[0], NULL, fd, NULL, 1, 0));
}

static void read_all(int flags)
{
	TRY(recv(fd, &byte, 1, flags));
	TRY(recv(fd, &byte, 1, flags | MSG_PEEK));
	TRY(recvfrom(fd, &byte, 1, flags, NULL, NULL));
	TRY(recvmsg(fd, &msg, flags));
	TRY(recvmmsg(fd, &mmsg, 1, flags, NULL));
	if (flags)
		return;
	TRY(read(fd, &byte, 1));
	TRY(readv(fd, &iov, 1));
}

static void play(void)
{
	char name[] = "/tmp/proxywrap-XXXXXX";

	signal(SIGPIPE, SIG_IGN);
	MUST((file = mkstemp(name)) >= 0 && unlink(name) == 0);
	MUST(write(file, "abc", 3) == 3);
	fd = pending();
	write_all(0);
	read_all(0);
	MUST(fcntl(fd, F_SETFL, 0) == 0);
	write_all(MSG_DONTWAIT);
	read_all(MSG_DONTWAIT);
	go();
	await(fd);
	write_all(0);
	if (peer_is_dest(fd)) {
		struct pollfd one = { .fd = fd, .events = POLLIN };

		MUST(poll(&one, 1, 20000) == 1);
		TRY(recv(fd, &byte, 1, 0));
	}
}
