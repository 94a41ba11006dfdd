/* SPDX-License-Identifier: MIT */
/* A blocking connect waits until it is decided; a signal handler decides. */
#include "trace.h"

static void on_alarm(int number)
{
	(void)number;
	go();
}

static void play(void)
{
	struct sigaction action = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
	int fd = tcp(0);

	MUST(sigaction(SIGALRM, &action, NULL) == 0);
	MUST(ualarm(30000, 0) == 0);
	TRY(connect(fd, DEST));
	say("error: %s", strerror(so_error(fd)));
	TRY(peer_is_dest(fd));
	if (peer_is_dest(fd))
		TRY(echoes(fd));
	TRY(connect(fd, DEST));
	TRY(fcntl(fd, F_GETFL) & O_NONBLOCK);
	TRY(close(fd));
	TRY(close(fd));
}
