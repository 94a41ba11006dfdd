/* SPDX-License-Identifier: MIT */
/* Buffers, lengths and addresses that the kernel refuses or ignores, on a
 * pending socket: which of its objections comes first. */
#include <sys/sendfile.h>

#include "trace.h"

enum {
	MOST = 1024 /* UIO_MAXIOV */
};

static int fd;
static char byte = 'x';
static struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
static struct iovec bad_iov = { .iov_base = (void *)8, .iov_len = 1 };
static struct iovec many[MOST + 1];
static void *volatile nowhere = (void *)8;
static volatile int minus_one = -1;

#define BAD ((void *)nowhere)

static void buffers(int flags)
{
	TRY(send(fd, BAD, 1, MSG_NOSIGNAL | flags));
	TRY(send(fd, BAD, 0, MSG_NOSIGNAL | flags));
	TRY(send(fd, &byte, 0, MSG_NOSIGNAL | flags));
	TRY(sendto(fd, BAD, 1, MSG_NOSIGNAL | flags, DEST));
	TRY(sendto(fd, &byte, 1, MSG_NOSIGNAL | flags, DEST));
	TRY(sendto(fd, &byte, 1, MSG_NOSIGNAL | flags, BAD, 16));
	TRY(sendto(fd, &byte, 1, MSG_NOSIGNAL | flags, BAD, 1000));
	TRY(sendto(fd, &byte, 1, MSG_NOSIGNAL | flags, BAD, -1));
	TRY(sendto(fd, &byte, 1, MSG_NOSIGNAL | flags, BAD, 0));
	TRY(send(fd, &byte, 1, MSG_OOB | MSG_NOSIGNAL | flags));
	TRY(recv(fd, BAD, 1, flags));
	TRY(recv(fd, BAD, 0, flags));
	TRY(recv(fd, &byte, 0, flags));
	TRY(recv(fd, &byte, 0, MSG_PEEK | flags));
	TRY(recv(fd, &byte, 1, MSG_OOB | flags));
	TRY(recv(fd, &byte, 1, MSG_ERRQUEUE | flags));
	TRY(recv(fd, &byte, 1, MSG_WAITALL | flags));
	TRY(recv(fd, &byte, 1, MSG_TRUNC | flags));
	TRY(recvfrom(fd, &byte, 1, flags, BAD, BAD));
	TRY(recvfrom(fd, &byte, 0, flags, NULL, NULL));
}

static void nothing(void)
{
	TRY(read(fd, BAD, 0));
	TRY(read(fd, &byte, 0));
	TRY(writev(fd, &iov, 0));
	TRY(writev(fd, BAD, 0));
	TRY(writev(fd, BAD, 1));
	TRY(writev(fd, &iov, minus_one));
	TRY(writev(fd, many, MOST + 1));
	TRY(readv(fd, &iov, 0));
	TRY(readv(fd, BAD, 0));
	TRY(readv(fd, BAD, 1));
	TRY(readv(fd, &iov, minus_one));
	TRY(readv(fd, many, MOST + 1));
	iov.iov_len = 0;
	TRY(writev(fd, &iov, 1));
	TRY(readv(fd, &iov, 1));
	iov.iov_len = (size_t)minus_one;
	TRY(writev(fd, &iov, 1));
	TRY(readv(fd, &iov, 1));
	iov.iov_len = 1;
}

static void vectors(void)
{
	TRY(write(fd, BAD, 1));
	TRY(write(fd, BAD, 0));
	TRY(write(fd, &byte, 0));
	TRY(read(fd, BAD, 1));
	TRY(writev(fd, many, MOST));
	TRY(writev(fd, &bad_iov, 1));
	TRY(readv(fd, many, MOST));
	TRY(readv(fd, &bad_iov, 1));
}

static void files(void)
{
	char name[] = "/tmp/proxywrap-XXXXXX";
	int file = mkstemp(name), pipes[2];

	MUST(file >= 0 && unlink(name) == 0 && write(file, "abc", 3) == 3);
	MUST(lseek(file, 0, SEEK_SET) == 0 && pipe(pipes) == 0);
	TRY(sendfile(fd, file, NULL, 0));
	TRY(splice(pipes[0], NULL, fd, NULL, 0, 0));
	TRY(splice(fd, NULL, pipes[1], NULL, 0, 0));
}

#ifdef __GLIBC__
static struct msghdr message(struct iovec *parts, size_t n)
{
	return (struct msghdr){ .msg_iov = parts, .msg_iovlen = n };
}

static void both(const char *what, struct msghdr msg, int flags)
{
	say("%s", what);
	TRY(sendmsg(fd, &msg, flags));
	TRY(recvmsg(fd, &msg, flags));
}

static void messages(int flags)
{
	struct msghdr msg = message(&iov, 1);
	struct mmsghdr two[2] = { { .msg_hdr = msg }, { .msg_hdr = msg } };
	struct timespec wrong = { .tv_nsec = 1000000000 };

	TRY(sendmsg(fd, BAD, flags));
	TRY(recvmsg(fd, BAD, flags));
	TRY(sendmmsg(fd, BAD, 1, flags));
	TRY(sendmmsg(fd, two, 0, flags));
	TRY(sendmmsg(fd, BAD, 0, flags));
	TRY(recvmmsg(fd, BAD, 1, flags, NULL));
	TRY(recvmmsg(fd, two, 0, flags, NULL));
	TRY(recvmmsg(fd, two, 1, flags, BAD));
	TRY(recvmmsg(fd, two, 1, flags, &wrong));
	both("too many parts", message(many, MOST + 1), flags);
	both("far too many", message(many, (size_t)minus_one), flags);
	both("as many as may be", message(many, MOST), flags);
	both("parts nowhere", message(BAD, 1), flags);
	both("a part nowhere", message(&bad_iov, 1), flags);
	both("no parts", message(BAD, 0), flags);
	msg.msg_namelen = (socklen_t)minus_one;
	both("a length without a name", msg, flags);
	msg.msg_name = &dest;
	both("a name of negative length", msg, flags);
	msg.msg_namelen = 1000;
	both("a long name", msg, flags);
	msg.msg_name = BAD;
	both("a name nowhere", msg, flags);
	msg.msg_namelen = 0;
	both("a name of no length", msg, flags);
	msg.msg_name = NULL;
	msg.msg_control = BAD;
	msg.msg_controllen = 24;
	both("control data nowhere", msg, flags);
	msg.msg_controllen = (size_t)minus_one;
	both("far too much of it", msg, flags);
	msg.msg_control = &msg;
	msg.msg_controllen = 4;
	both("too little of it", msg, flags);
}

static void offsets(void)
{
	TRY(pwritev2(fd, &iov, 1, -1, 0));
	TRY(pwritev2(fd, &iov, 1, 0, 0));
	TRY(pwritev2(fd, &iov, 1, -2, 0));
	TRY(pwritev2(fd, BAD, 1, -1, 0));
	TRY(pwritev2(fd, &iov, 0, -1, 0));
	TRY(pwritev2(fd, &iov, 1, -1, RWF_NOWAIT));
	TRY(preadv2(fd, &iov, 1, -1, 0));
	TRY(preadv2(fd, &iov, 1, 0, 0));
	TRY(preadv2(fd, &iov, 1, -2, 0));
	TRY(preadv2(fd, BAD, 1, -1, 0));
	TRY(preadv2(fd, &iov, 0, -1, 0));
	TRY(preadv2(fd, &iov, 1, -1, RWF_NOWAIT));
}
#endif

static void play(void)
{
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i <= MOST; i++)
		many[i] = (struct iovec){ .iov_base = &byte, .iov_len = 1 };
	fd = pending();
	if (is_mode("buffers")) {
		buffers(0);
		vectors();
		nothing();
		files();
		MUST(fcntl(fd, F_SETFL, 0) == 0);
		buffers(MSG_DONTWAIT);
		nothing();
	}
#ifdef __GLIBC__
	if (is_mode("messages")) {
		messages(MSG_NOSIGNAL);
		MUST(fcntl(fd, F_SETFL, 0) == 0);
		messages(MSG_NOSIGNAL | MSG_DONTWAIT);
	}
	if (is_mode("offsets")) {
		offsets();
		MUST(fcntl(fd, F_SETFL, 0) == 0);
		TRY(pwritev2(fd, &iov, 1, -1, RWF_NOWAIT));
		TRY(preadv2(fd, &iov, 1, -1, RWF_NOWAIT));
	}
#endif
	go();
	await(fd);
	if (is_mode("buffers"))
		nothing();
	tell_end(fd);
}
