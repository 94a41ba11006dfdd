/* SPDX-License-Identifier: MIT */
/* A blocking read on a pending socket is interrupted as any other. */
#include "trace.h"

static void on_alarm(int number)
{
	(void)number;
}

static void play(void)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct timeval limit = { .tv_usec = 20000 };
	char byte = 'x';
	int fd = pending();

	signal(SIGPIPE, SIG_IGN);
	MUST(fcntl(fd, F_SETFL, 0) == 0);
	MUST(sigaction(SIGALRM, &action, NULL) == 0);
	MUST(ualarm(30000, 30000) == 0); /* it may come before the wait does */
	TRY(read(fd, &byte, 1));
	TRY(send(fd, &byte, 1, 0));
	ualarm(0, 0);
	TRY(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)));
	TRY(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)));
	TRY(recv(fd, &byte, 1, 0));
	TRY(send(fd, &byte, 1, 0));
	go();
	tell_end(fd);
}
