/* SPDX-License-Identifier: MIT */
/* A pending socket and exec: one with CLOEXEC goes, another is connected. */
#include "trace.h"

static void play(void)
{
	int fd, cloexec;

	if (is_mode("second")) {
		struct pollfd one = { .fd = atoi(argument), .events = POLLOUT };

		TRY(poll(&one, 1, 0));
		TRY(echoes(one.fd));
		return;
	}
	fd = pending();
	cloexec = pending();
	MUST(fcntl(cloexec, F_SETFD, FD_CLOEXEC) == 0);
	go_soon();
	char number[12], *argv[] = { arguments[0], arguments[1], arguments[2],
				     "second",	   number,	 NULL };

	snprintf(number, sizeof(number), "%d", fd);
	execv(argv[0], argv);
}
