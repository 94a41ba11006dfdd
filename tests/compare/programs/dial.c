/* SPDX-License-Identifier: MIT */
/* A connection to the destination, and a byte there and back. */
#include "trace.h"

static void play(void)
{
	int fd = tcp(0);

	TRY(connect(fd, DEST));
	TRY(echoes(fd));
}
