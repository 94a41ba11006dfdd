/* SPDX-License-Identifier: MIT */
/* A signal with SA_RESTART does not end the wait in connect, however often. */
#include "trace.h"

static int caught;

static void on_alarm(int number)
{
	int saved = errno;

	(void)number;
	if (++caught == 3)
		go();
	else
		ualarm(20000, 0);
	errno = saved;
}

static void play(void)
{
	struct sigaction action = { .sa_handler = on_alarm,
				    .sa_flags = SA_RESTART };
	int fd = tcp(0);

	MUST(sigaction(SIGALRM, &action, NULL) == 0);
	MUST(ualarm(20000, 0) == 0);
	TRY(connect(fd, DEST));
	say("caught %d", caught);
	tell_end(fd);
}
