/* SPDX-License-Identifier: MIT */
/* connect(AF_UNSPEC) takes a socket back to its beginning, in every state. */
#include "trace.h"

static void reset(int fd)
{
	struct sockaddr unspec = { .sa_family = AF_UNSPEC };
	struct sockaddr_storage peer;
	socklen_t n = sizeof(peer);
	struct pollfd one = { .fd = fd, .events = POLLOUT };

	TRY(connect(fd, &unspec, sizeof(unspec)));
	say("error: %s", strerror(so_error(fd)));
	TRY(getpeername(fd, (struct sockaddr *)&peer, &n));
	TRY(poll(&one, 1, 0));
	say("events %x", one.revents);
}

static void play(void)
{
	int fd = pending(), other = tcp(SOCK_NONBLOCK);

	reset(other);
	reset(fd);
	TRY(connect(fd, DEST));
	TRY(connect(fd, DEST));
	go();
	await(fd);
	so_error(fd);
	reset(fd);
	TRY(connect(fd, DEST));
	tell_end(fd);
}
