/* SPDX-License-Identifier: MIT */
/* A descriptor put over a pending socket's number ends that socket only. */
#include "trace.h"

static void play(void)
{
	int pipes[2], fd = pending(), other = pending();
	struct pollfd one = { .fd = fd, .events = POLLIN };
	char byte;

	MUST(pipe(pipes) == 0 && write(pipes[1], "x", 1) == 1);
	TRY(dup2(900, fd));
	TRY(connect(fd, DEST));
	TRY(dup2(pipes[0], fd) == fd);
	TRY(poll(&one, 1, 0));
	say("events %x", one.revents);
	TRY(read(fd, &byte, 1));
	TRY(connect(fd, DEST));
	TRY(dup3(other, fd, 0) == fd);
	TRY(connect(fd, DEST));
	go();
	tell_end(fd);
}
