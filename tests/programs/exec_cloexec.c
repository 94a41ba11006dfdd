/* SPDX-License-Identifier: MIT */
/* A pending socket that exec closes holds nothing up, and is gone after it. */
#include "trace.h"

static void play(void)
{
	char *argv[] = { arguments[0], arguments[1], arguments[2], "second",
			 NULL };
	int fd;

	if (is_mode("second")) {
		TRY(fcntl(3, F_GETFD));
		TRY(dup(0));
		fd = pending();
		go();
		tell_end(fd);
		return;
	}
	fd = pending();
	MUST(fd == 3 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0);
	execv(argv[0], argv);
}
