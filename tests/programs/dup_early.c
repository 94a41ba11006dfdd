/* SPDX-License-Identifier: MIT */
/* Each descriptor of a pending socket is as good as the other. */
#include "trace.h"

static int copy(int fd)
{
	if (is_mode("dup2"))
		return dup2(fd, 77);
	if (is_mode("dup3"))
		return dup3(fd, 77, O_CLOEXEC);
	if (is_mode("dupfd"))
		return fcntl(fd, F_DUPFD, 77);
	if (is_mode("dupfd-cloexec"))
		return fcntl(fd, F_DUPFD_CLOEXEC, 77);
	return dup(fd);
}

static void play(void)
{
	bool is_before = strcmp(argument, "before") == 0;
	int fd = tcp(SOCK_NONBLOCK), before = is_before ? copy(fd) : -1;
	int other, third;
	struct pollfd one;

	MUST(connect(fd, DEST) < 0 && errno == EINPROGRESS);
	other = is_before ? before : copy(fd);
	one = (struct pollfd){ .fd = other, .events = POLLOUT };
	TRY(poll(&one, 1, 0));
	TRY(connect(other, DEST));
	say("error: %s", strerror(so_error(other)));
	TRY(peer_is_dest(other));
	MUST((third = dup(other)) >= 0);
	TRY(close(fd));
	TRY(poll(&one, 1, 0));
	TRY(close(third));
	TRY(poll(&one, 1, 0));
	TRY(dup2(other, other));
	TRY(dup3(other, other, 0));
	TRY(dup2(other, -1));
	TRY(dup2(900, 901));
	go();
	tell_end(other);
	TRY(close(other));
}
