/* SPDX-License-Identifier: MIT */
/* SO_SNDTIMEO bounds the wait in connect, not the attempt. */
#include "trace.h"

static void play(void)
{
	struct timeval limit = { .tv_usec = 20000 };
	struct pollfd one;
	int fd = tcp(0);

	TRY(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)));
	TRY(connect(fd, DEST));
	one = (struct pollfd){ .fd = fd, .events = POLLIN | POLLOUT };
	TRY(poll(&one, 1, 0));
	TRY(connect(fd, DEST));
	limit = (struct timeval){ 0 };
	TRY(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)));
	go();
	tell_end(fd);
}
