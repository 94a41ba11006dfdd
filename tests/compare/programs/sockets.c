/* SPDX-License-Identifier: MIT */
/* Sockets that carry nothing past a wrapper can be made, with every flag. */
#include "trace.h"

static void play(void)
{
	int flags[] = { 0, SOCK_NONBLOCK, SOCK_CLOEXEC,
			SOCK_NONBLOCK | SOCK_CLOEXEC };
	int domains[] = { AF_UNIX, AF_INET, AF_INET6 };
	int pair[2];

	for (int d = 0; d < 3; d++)
		for (int f = 0; f < 4; f++) {
			int fd = socket(domains[d], SOCK_STREAM | flags[f], 0);

			say("stream socket: %d, %d, %d", fd >= 0,
			    fcntl(fd, F_GETFL) & O_NONBLOCK,
			    fcntl(fd, F_GETFD));
		}
	TRY(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	TRY(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair));
	TRY(socketpair(AF_INET, SOCK_STREAM, 0, pair));
	TRY(socketpair(AF_INET6, SOCK_DGRAM, 0, pair));
}
