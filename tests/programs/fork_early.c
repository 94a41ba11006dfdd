/* SPDX-License-Identifier: MIT */
/* A child that fork made waits for the same outcome; so does its parent. */
#include "trace.h"

static void use(int fd, const char *who)
{
	int revents = await(fd);

	say("%s: events %x, %s", who, revents,
	    is_mode("error") ? strerror(so_error(fd)) : "");
}

static void play(void)
{
	int fd = pending(), status, ready[2];
	struct pollfd one = { .fd = fd, .events = POLLOUT };
	pid_t child;
	char byte;

	MUST(pipe(ready) == 0);
	child = fork();
	MUST(child >= 0);
	if (child == 0) {
		TRY(poll(&one, 1, 0));
		TRY(connect(fd, DEST));
		TRY(send(fd, "x", 1, 0));
		if (is_mode("close"))
			TRY(close(fd));
		MUST(write(ready[1], "x", 1) == 1);
		if (!is_mode("close"))
			use(fd, "child");
		_exit(0);
	}
	MUST(read(ready[0], &byte, 1) == 1);
	TRY(poll(&one, 1, 0));
	TRY(connect(fd, DEST));
	go();
	MUST(waitpid(child, &status, 0) == child && status == 0);
	use(fd, "parent");
	TRY(peer_is_dest(fd));
	if (peer_is_dest(fd))
		TRY(echoes(fd));
}
