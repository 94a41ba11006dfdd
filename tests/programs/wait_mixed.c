/* SPDX-License-Identifier: MIT */
/* Others in the same poll or select still wake the waiter at once. */
#include <sys/select.h>

#include "trace.h"

static void play(void)
{
	struct pollfd fds[3];
	fd_set in, out;
	int pipes[2], fd = pending();

	MUST(pipe(pipes) == 0 && write(pipes[1], "x", 1) == 1);
	fds[0] = (struct pollfd){ .fd = fd, .events = POLLIN | POLLOUT };
	fds[1] = (struct pollfd){ .fd = pipes[0], .events = POLLIN };
	fds[2] = (struct pollfd){ .fd = pipes[1], .events = POLLOUT };
	TRY(poll(fds, 3, -1));
	say("%x %x %x", fds[0].revents, fds[1].revents, fds[2].revents);
	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_SET(fd, &in);
	FD_SET(fd, &out);
	FD_SET(pipes[0], &in);
	FD_SET(pipes[1], &out);
	TRY(select(pipes[1] + 1, &in, &out, NULL, NULL));
	say("%d %d %d %d", FD_ISSET(fd, &in) != 0, FD_ISSET(fd, &out) != 0,
	    FD_ISSET(pipes[0], &in) != 0, FD_ISSET(pipes[1], &out) != 0);
	go();
	await(fd);
	TRY(poll(fds, 3, -1));
	say("%x %x %x", fds[0].revents, fds[1].revents, fds[2].revents);
}
