/* SPDX-License-Identifier: MIT */
/* A second connect, before SO_ERROR is read, tells the outcome once. */
#include "trace.h"

static void play(void)
{
	int fd = pending();

	go();
	await(fd);
	TRY(connect(fd, DEST));
	if (errno != ECONNREFUSED) {
		TRY(connect(fd, DEST));
		TRY(connect(fd, DEST));
		say("error: %s", strerror(so_error(fd)));
		TRY(peer_is_dest(fd));
		return;
	}
	say("error: %s", strerror(so_error(fd)));
	TRY(connect(fd, DEST));
	tell_end(fd);
	TRY(close(fd));
}
