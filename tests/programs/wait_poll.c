/* SPDX-License-Identifier: MIT */
/* The poll family shows nothing of a pending socket, then all of its end. */
#include "trace.h"

static const short masks[] = {
	0,
	POLLIN,
	POLLOUT,
	POLLIN | POLLOUT,
	POLLPRI,
	POLLRDHUP,
	POLLRDNORM,
	POLLWRNORM | POLLWRBAND,
	POLLIN | POLLOUT | POLLPRI | POLLRDHUP,
};

static int wait_for(struct pollfd *fds, nfds_t n, int ms)
{
	struct timespec limit = { .tv_sec = ms / 1000,
				  .tv_nsec = ms % 1000 * 1000000L };
	sigset_t none;

	sigemptyset(&none);
	if (is_mode("ppoll"))
		return ppoll(fds, n, ms < 0 ? NULL : &limit, NULL);
	if (is_mode("ppoll-mask"))
		return ppoll(fds, n, ms < 0 ? NULL : &limit, &none);
	return poll(fds, n, ms);
}

static void look(int fd, int closed, int idle)
{
	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		struct pollfd fds[4] = {
			{ .fd = fd, .events = masks[i], .revents = -1 },
			{ .fd = -1, .events = POLLIN, .revents = -1 },
			{ .fd = closed, .events = POLLIN, .revents = -1 },
			{ .fd = idle, .events = POLLIN, .revents = -1 },
		};
		int ret = wait_for(fds, closed < 0 ? 2 : 4, 0);

		say("%x: %d: %x %x %x", masks[i], ret, fds[0].revents,
		    fds[1].revents, closed < 0 ? 0 : fds[2].revents);
	}
}

static void play(void)
{
	struct pollfd twice[2];
	int pipes[2], fd = pending();

	MUST(pipe(pipes) == 0);
	look(fd, -1, -1);
	look(fd, 900, pipes[0]);
	twice[0] = (struct pollfd){ .fd = fd, .events = POLLIN };
	twice[1] = (struct pollfd){ .fd = fd, .events = POLLOUT };
	TRY(wait_for(twice, 2, 20));
	say("%x %x", twice[0].revents, twice[1].revents);
	TRY(wait_for((void *)8, 1, 0));
	TRY(wait_for(NULL, 0, 0));
	go();
	TRY(wait_for(twice, 2, -1));
	say("%x", twice[1].revents);
	look(fd, 900, pipes[0]);
}
