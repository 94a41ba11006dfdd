/* SPDX-License-Identifier: MIT */
/* A signal without SA_RESTART ends the wait in connect, not the attempt. */
#include "trace.h"

static void on_alarm(int number)
{
	(void)number;
	ualarm(30000, 0); /* it may have come before the wait */
}

static long interrupted(int fd)
{
	long ret;
	int error;

	MUST(ualarm(30000, 0) == 0);
	ret = connect(fd, DEST);
	error = errno;
	ualarm(0, 0);
	errno = error;
	return ret;
}

static void play(void)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct pollfd one;
	int fd = tcp(0);

	MUST(sigaction(SIGALRM, &action, NULL) == 0);
	TRY(interrupted(fd));
	one = (struct pollfd){ .fd = fd, .events = POLLIN | POLLOUT };
	TRY(poll(&one, 1, 0));
	TRY(interrupted(fd));
	MUST(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
	TRY(connect(fd, DEST));
	say("error: %s", strerror(so_error(fd)));
	go();
	tell_end(fd);
}
