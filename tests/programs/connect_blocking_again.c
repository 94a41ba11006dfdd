/* SPDX-License-Identifier: MIT */
/* A second, blocking connect on a pending socket waits for the outcome. */
#include "trace.h"

static void play(void)
{
	int fd = pending();

	MUST(fcntl(fd, F_SETFL, 0) == 0);
	go_soon();
	TRY(connect(fd, DEST));
	say("error: %s", strerror(so_error(fd)));
	TRY(peer_is_dest(fd));
}
