/* SPDX-License-Identifier: MIT */
/* getpeername() with every kind of argument. */
#include "trace.h"

static void play(void)
{
	struct sockaddr_storage peer[4] = { 0 };
	struct sockaddr *where = (struct sockaddr *)peer;
	int fd = tcp(0), pipes[2];
	socklen_t n = sizeof(peer[0]);

	MUST(pipe(pipes) == 0);
	TRY(getpeername(pipes[0], where, &n));
	TRY(getpeername(-1, where, &n));
	TRY(getpeername(fd, where, &n));
	MUST(connect(fd, DEST) == 0);
	TRY(getpeername(fd, NULL, &n));
	TRY(getpeername(fd, where, NULL));
	n = sizeof(peer);
	TRY(getpeername(fd, where, &n));
	say("length: %u", n);
	say("peer: %d", memcmp(peer, &dest, dest_len));
	n = 4;
	peer[0].ss_family = 0;
	TRY(getpeername(fd, where, &n));
	say("length: %u", n);
	say("port: %d", ntohs(((struct sockaddr_in *)peer)->sin_port));
}
