/* SPDX-License-Identifier: MIT */
/* A child looks up a name, and connects, after its parent has ended. */
#include "trace.h"

static void play(void)
{
	int pipes[2];
	char byte;
	int fd;

	MUST(gethostbyname("site.test"));
	MUST(pipe(pipes) == 0);
	if (fork() != 0)
		_exit(0);
	close(pipes[1]);
	MUST(read(pipes[0], &byte, 1) == 0);
	TRY(gethostbyname("six.test") || gethostbyname("closed.test"));
	fd = tcp(0);
	TRY(connect(fd, DEST));
	TRY(echoes(fd));
}
