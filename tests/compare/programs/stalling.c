/* SPDX-License-Identifier: MIT */
/* Options that would stall a handshake are there before connect and after. */
#include "trace.h"

static int option(int fd, int level, int name)
{
	int value = -1;
	socklen_t n = sizeof(value);

	MUST(getsockopt(fd, level, name, &value, &n) == 0);
	return value;
}

static void play(void)
{
	int fd = tcp(0), many = 4000, on = 1, off = 0, least = 1;

	TRY(setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &many, sizeof(many)));
	TRY(setsockopt(fd, IPPROTO_TCP, TCP_CORK, &on, sizeof(on)));
	TRY(connect(fd, DEST));
	say("SO_RCVLOWAT: %d", option(fd, SOL_SOCKET, SO_RCVLOWAT));
	say("TCP_CORK: %d", option(fd, IPPROTO_TCP, TCP_CORK));
	TRY(setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &least, sizeof(least)));
	TRY(setsockopt(fd, IPPROTO_TCP, TCP_CORK, &off, sizeof(off)));
	TRY(echoes(fd));
}
