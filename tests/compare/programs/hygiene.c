/* SPDX-License-Identifier: MIT */
/*
 * A program that closes or overwrites every descriptor but the standard ones,
 * by MODE, can look up a name, ARGUMENT, and connect afterwards.
 */
#include <sys/syscall.h>

#include "trace.h"

static void clean(void)
{
	if (is_mode("close_range"))
		MUST(close_range(3, ~0U, 0) == 0);
	if (is_mode("closefrom"))
		closefrom(3);
	if (is_mode("number"))
		MUST(syscall(SYS_close_range, 3, ~0U, 0) == 0);
	for (int fd = 3; fd < 200; fd++) {
		if (is_mode("loop"))
			close(fd);
		if (is_mode("dup2"))
			MUST(dup2(2, fd) == fd);
	}
}

static void play(void)
{
	struct addrinfo hints = { .ai_family = AF_INET,
				  .ai_socktype = SOCK_STREAM },
			*list;
	int fd;

	clean();
	TRY(getaddrinfo(argument, "7", &hints, &list));
	TRY((fd = socket(AF_INET, SOCK_STREAM, 0)) >= 0);
	TRY(connect(fd, list->ai_addr, list->ai_addrlen));
	TRY(echoes(fd));
}
