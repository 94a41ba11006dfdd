/* SPDX-License-Identifier: MIT */
/* A signal that the only thread blocks stays pending, for there is no other. */
#include "trace.h"

static volatile sig_atomic_t caught;

static void catch(int number)
{
	caught = number;
}

static void play(void)
{
	sigset_t blocked, waiting;

	signal(SIGUSR1, catch);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	MUST(gethostbyname("site.test"));
	MUST(sigprocmask(SIG_BLOCK, &blocked, NULL) == 0);
	MUST(kill(getpid(), SIGUSR1) == 0);
	usleep(50000);
	MUST(sigpending(&waiting) == 0);
	say("pending: %d", sigismember(&waiting, SIGUSR1));
	say("caught: %d", caught);
}
