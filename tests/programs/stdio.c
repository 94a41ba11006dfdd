/* SPDX-License-Identifier: MIT */
/* A stream on a socket that was pending: what is written comes back. */
#include "trace.h"

static void play(void)
{
	char line[16] = "";
	int fd = pending();
	struct pollfd one = { .fd = fd, .events = POLLOUT };
	FILE *stream;

	go_soon();
	MUST((stream = fdopen(fd, "r+")) != NULL);
	while (poll(&one, 1, 20000) < 0)
		MUST(errno == EINTR);
	say("error: %s", strerror(so_error(fd)));
	if (!peer_is_dest(fd))
		return;
	TRY(fputs("hello\n", stream) >= 0);
	TRY(fflush(stream));
	MUST(fcntl(fd, F_SETFL, 0) == 0);
	say("heard %s", fgets(line, sizeof(line), stream) ? line : "nothing");
	TRY(shutdown(fd, SHUT_WR));
	TRY(fgetc(stream));
	TRY(fclose(stream));
	TRY(dup(0) - fd);
}
