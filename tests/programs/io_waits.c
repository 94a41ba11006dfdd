/* SPDX-License-Identifier: MIT */
/* Blocking reads and writes on a pending socket wait until it is decided. */
#include "trace.h"

static void on_alarm(int number)
{
	(void)number;
	go();
}

static void play(void)
{
	struct sigaction action = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
	char byte = 'x';
	int fd = pending();

	signal(SIGPIPE, SIG_IGN);
	MUST(fcntl(fd, F_SETFL, 0) == 0);
	MUST(sigaction(SIGALRM, &action, NULL) == 0);
	MUST(ualarm(30000, 0) == 0);
	if (is_mode("write")) {
		TRY(write(fd, &byte, 1));
		TRY(write(fd, &byte, 1));
		TRY(read(fd, &byte, 1));
	} else {
		TRY(read(fd, &byte, is_mode("read") ? 1 : 0));
		TRY(read(fd, &byte, 1) < 0);
	}
}
