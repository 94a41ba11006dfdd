/* SPDX-License-Identifier: MIT */
/* A server that speaks first is heard from its first byte on, and only once. */
#include "trace.h"

static void play(void)
{
	char buffer[100] = { 0 };
	size_t n = 0;
	ssize_t got;
	int fd = tcp(0);

	((struct sockaddr_in *)&dest)->sin_port = htons(22);
	TRY(connect(fd, DEST));
	MUST(send(fd, "and I answer", 12, MSG_NOSIGNAL) == 12);
	MUST(shutdown(fd, SHUT_WR) == 0);
	while ((got = recv(fd, buffer + n, sizeof(buffer) - n, 0)) > 0)
		n += (size_t)got;
	say("heard: %s", buffer);
}
