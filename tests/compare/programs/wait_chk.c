/* SPDX-License-Identifier: MIT */
/* poll() and ppoll() as _FORTIFY_SOURCE makes them, on a pending socket. */
#include "trace.h"

int __poll_chk(struct pollfd *, nfds_t, int, size_t);
int __ppoll_chk(struct pollfd *, nfds_t, const struct timespec *,
		const sigset_t *, size_t);

static void play(void)
{
	struct timespec soon = { .tv_nsec = 20000000 }, late = { .tv_sec = 9 };
	int fd = pending();
	struct pollfd one = { .fd = fd, .events = POLLOUT };

	TRY(__poll_chk(&one, 1, 20, sizeof(one)));
	TRY(__ppoll_chk(&one, 1, &soon, NULL, sizeof(one)));
	go();
	TRY(__ppoll_chk(&one, 1, &late, NULL, sizeof(one)));
	TRY(__poll_chk(&one, 1, 0, sizeof(one)));
	say("events: %x", one.revents);
	say("error: %s", strerror(so_error(fd)));
}
