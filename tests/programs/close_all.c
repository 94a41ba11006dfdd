/* SPDX-License-Identifier: MIT */
/* A program that closes every descriptor finds none but its own. */
#include <sys/resource.h>
#include <sys/syscall.h>

#include "trace.h"

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC 4
#endif

static void close_from(unsigned int first)
{
	int closed = 0;

	if (is_mode("loop"))
		for (int fd = (int)first; fd < 65536; fd++)
			closed += close(fd) == 0;
	if (is_mode("range"))
		TRY(syscall(SYS_close_range, first, ~0U, 0));
	if (is_mode("cloexec"))
		TRY(syscall(SYS_close_range, first, ~0U, CLOSE_RANGE_CLOEXEC));
#ifdef __GLIBC__
	if (is_mode("closefrom"))
		closefrom((int)first);
	if (is_mode("close_range"))
		TRY(close_range(first, ~0U, 0));
#endif
	say("closed %d", closed);
}

static void play(void)
{
	int fd = pending(), lost = pending(), pipes[2];

	MUST(pipe(pipes) == 0);
	close_from((unsigned int)fd + 1);
	TRY(syscall(SYS_close_range, 9, 3, 0));
	TRY(fcntl(lost, F_GETFD));
	TRY(fcntl(pipes[0], F_GETFD));
	TRY(connect(fd, DEST));
	go();
	tell_end(fd);
	close_from(3);
	TRY(fcntl(fd, F_GETFD));
	fd = tcp(SOCK_NONBLOCK);
	say("number %d", fd);
	connect(fd, DEST);
	tell_end(fd);
}
