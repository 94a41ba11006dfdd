/* SPDX-License-Identifier: MIT */
/*
 * An attempt that was given up gets nothing into the one that follows it, also
 * where the helper, our parent, hears of both of them late.
 */
#include "trace.h"

static void give_up(int fd)
{
	struct sockaddr unspec = { .sa_family = AF_UNSPEC };

	if (is_mode("shutdown"))
		MUST(shutdown(fd, SHUT_RD) == 0);
	else
		MUST(connect(fd, &unspec, sizeof(unspec)) == 0);
	so_error(fd);
}

static void play(void)
{
	int fd;

	MUST(kill(getppid(), SIGSTOP) == 0);
	go();
	fd = pending();
	give_up(fd);
	MUST(connect(fd, DEST) < 0 && errno == EINPROGRESS);
	MUST(kill(getppid(), SIGCONT) == 0);
	tell_end(fd);
}
