/* SPDX-License-Identifier: MIT */
/*
 * While sockets are pending the numbers of new descriptors are those that they
 * would have been, and any number may be taken by dup2.
 */
#include "trace.h"

enum {
	MANY = 30,
	FIRST = 100,
	LAST = 900
};

static void tell_numbers(void)
{
	int pipes[2];

	MUST(pipe(pipes) == 0);
	say("numbers %d %d %d %d", pipes[0], pipes[1],
	    open("/dev/null", O_RDONLY), dup(0));
	close(pipes[0]);
}

static void play(void)
{
	int fds[MANY], over = 0, ends = 0;

	for (int i = 0; i < MANY; i++) {
		fds[i] = pending();
		if (i % 10 == 0)
			tell_numbers();
	}
	close(fds[7]);
	tell_numbers();
	for (int fd = FIRST; fd < LAST; fd++)
		over += dup2(0, fd) == fd;
	say("taken %d", over);
	TRY(fcntl(0, F_DUPFD, FIRST));
	go();
	for (int i = 0; i < MANY; i++)
		if (i != 7)
			ends += await(fds[i]) & POLLOUT &&
				so_error(fds[i]) >= 0;
	say("ends %d", ends);
	for (int fd = FIRST; fd < LAST; fd++)
		over -= close(fd) == 0;
	say("left %d", over);
	tell_end(fds[0]);
}
