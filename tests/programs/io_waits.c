/* SPDX-License-Identifier: MIT */
/* Blocking reads and writes on a pending socket wait until it is decided. */
#include "trace.h"

static int fd;

static void on_alarm(int number)
{
	static int times;
	int saved = errno;

	(void)number;
	if (times++ == 0)
		go();
	else if (is_mode("read") && peer_is_dest(fd)) /* takes no error */
		send(fd, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	ualarm(30000, 0);
	errno = saved;
}

static void play(void)
{
	struct sigaction action = { .sa_handler = on_alarm,
				    .sa_flags = SA_RESTART };
	struct iovec iov = { .iov_base = &action, .iov_len = 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	char byte = 'x';

	fd = pending();
	MUST(fcntl(fd, F_SETFL, 0) == 0);
	MUST(sigaction(SIGALRM, &action, NULL) == 0);
	signal(SIGPIPE, SIG_IGN);
	MUST(ualarm(30000, 0) == 0);
	if (is_mode("write"))
		TRY(write(fd, &byte, 1));
	if (is_mode("sendmsg"))
		TRY(sendmsg(fd, &msg, 0));
	if (is_mode("recvmsg")) {
		mode = "read";
		TRY(recvmsg(fd, &msg, 0));
	} else {
		TRY(read(fd, &byte, 1));
	}
	say("error: %s", strerror(so_error(fd)));
}
