/* SPDX-License-Identifier: MIT */
/* shutdown on a pending socket ends the attempt; the socket lives on. */
#include "trace.h"

static void play(void)
{
	int how = is_mode("rd") ? SHUT_RD : is_mode("wr") ? SHUT_WR : SHUT_RDWR;
	int fd = pending();
	struct pollfd one = { .fd = fd, .events = POLLIN | POLLOUT };
	struct sockaddr_storage peer;
	socklen_t n = sizeof(peer);
	char byte = 'x';

	TRY(shutdown(fd, 77));
	TRY(connect(fd, DEST));
	TRY(shutdown(fd, how));
	TRY(poll(&one, 1, 0));
	/* An ECONNRESET is left behind if the attempt had come far enough. */
	say("events %x", one.revents & ~POLLERR);
	so_error(fd);
	say("error: %s", strerror(so_error(fd)));
	TRY(getpeername(fd, (struct sockaddr *)&peer, &n));
	TRY(send(fd, &byte, 1, MSG_NOSIGNAL));
	TRY(recv(fd, &byte, 1, 0));
	TRY(connect(fd, DEST));
	go();
	tell_end(fd);
}
