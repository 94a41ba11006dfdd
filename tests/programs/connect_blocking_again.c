/* SPDX-License-Identifier: MIT */
/* A second, blocking connect on a pending socket waits for the outcome. */
#include "trace.h"

static void on_alarm(int number)
{
	(void)number;
	go();
}

static void play(void)
{
	struct sigaction action = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
	int fd = pending();

	MUST(fcntl(fd, F_SETFL, 0) == 0);
	MUST(sigaction(SIGALRM, &action, NULL) == 0);
	MUST(ualarm(30000, 0) == 0);
	TRY(connect(fd, DEST));
	say("error: %s", strerror(so_error(fd)));
	TRY(peer_is_dest(fd));
}
