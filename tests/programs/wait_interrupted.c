/* SPDX-License-Identifier: MIT */
/* Waits that watch a pending socket end with EINTR, whatever SA_RESTART says.
 */
#include <sys/epoll.h>
#include <sys/select.h>

#include "trace.h"

static int caught;

static void on_alarm(int number)
{
	caught += number == SIGALRM;
}

/* Again and again: it may come before the wait does. */
static void arm(void)
{
	ualarm(20000, 20000);
}

static void tell_caught(int least)
{
	ualarm(0, 0);
	say("caught %d", caught >= least ? least : caught);
}

static void play(void)
{
	struct sigaction action = { .sa_handler = on_alarm,
				    .sa_flags = SA_RESTART };
	struct epoll_event event = { .events = EPOLLOUT };
	struct pollfd one;
	sigset_t all, none;
	fd_set out;
	int fd = pending(), ep = epoll_create1(0);

	sigfillset(&all);
	sigemptyset(&none);
	MUST(sigaction(SIGALRM, &action, NULL) == 0);
	MUST(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event) == 0);
	one = (struct pollfd){ .fd = fd, .events = POLLOUT };
	FD_ZERO(&out);
	FD_SET(fd, &out);
	arm();
	TRY(poll(&one, 1, -1));
	arm();
	TRY(select(fd + 1, NULL, &out, NULL, NULL));
	arm();
	TRY(epoll_wait(ep, &event, 1, -1));
	tell_caught(3);
	/* A mask that lets the signal in for the time of the wait only. */
	sigprocmask(SIG_BLOCK, &all, NULL);
	arm();
	TRY(ppoll(&one, 1, NULL, &none));
	arm();
	TRY(pselect(fd + 1, NULL, &out, NULL, NULL, &none));
	arm();
	TRY(epoll_pwait(ep, &event, 1, -1, &none));
	tell_caught(6);
	go();
	TRY(epoll_pwait(ep, &event, 1, -1, &none));
	say("%x", event.events);
}
