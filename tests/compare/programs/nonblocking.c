/* SPDX-License-Identifier: MIT */
/* A non-blocking connect says EINPROGRESS; poll, then SO_ERROR, tell its end.
 */
#include "trace.h"

static void play(void)
{
	int fd = tcp(SOCK_NONBLOCK);
	struct pollfd one = { .fd = fd, .events = POLLOUT };

	if (TRY(connect(fd, DEST)) < 0 && errno != EINPROGRESS)
		_exit(1);
	say("early: %d", poll(&one, 1, 20));
	go();
	say("poll: %x", poll(&one, 1, 2000) == 1 ? one.revents : 0);
	say("error: %s", strerror(so_error(fd)));
	TRY(send(fd, "x", 1, MSG_NOSIGNAL));
	one.events = POLLIN;
	say("answer: %x", poll(&one, 1, 2000) == 1 ? one.revents : 0);
}
