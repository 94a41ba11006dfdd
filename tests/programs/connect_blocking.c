/* SPDX-License-Identifier: MIT */
/* A blocking connect waits until it is decided; a signal handler decides. */
#include "trace.h"

static void play(void)
{
	int fd = tcp(0);

	go_soon();
	TRY(connect(fd, DEST));
	say("error: %s", strerror(so_error(fd)));
	TRY(peer_is_dest(fd));
	if (peer_is_dest(fd))
		TRY(echoes(fd));
	TRY(connect(fd, DEST));
	TRY(fcntl(fd, F_GETFL) & O_NONBLOCK);
	TRY(close(fd));
	TRY(close(fd));
}
