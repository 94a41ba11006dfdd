/* SPDX-License-Identifier: MIT */
/*
 * A program that leaves connect() by siglongjmp, or whose thread is cancelled
 * in it, leaves a pending socket behind and no descriptor.
 */
#include <setjmp.h>

#include "threads.h"

static int fd;
static _Atomic int dialler;
static sigjmp_buf out;

static void *dial(void *unused)
{
	dialler = (int)syscall(SYS_gettid);
	connect(fd, DEST);
	return unused;
}

static void leap(int number)
{
	(void)number;
	siglongjmp(out, 1);
}

static void *send_alarm(void *unused)
{
	until_it_connects(&dialler, fd);
	MUST(syscall(SYS_tgkill, getpid(), dialler, SIGALRM) == 0);
	return unused;
}

static void jump(void)
{
	pthread_t sender;

	signal(SIGALRM, leap);
	MUST(pthread_create(&sender, NULL, send_alarm, NULL) == 0);
	if (sigsetjmp(out, 1) == 0)
		dial(NULL);
	MUST(pthread_join(sender, NULL) == 0);
}

static void cancel(void)
{
	pthread_t thread;
	void *result;

	MUST(pthread_create(&thread, NULL, dial, NULL) == 0);
	until_it_connects(&dialler, fd);
	MUST(pthread_cancel(thread) == 0);
	MUST(pthread_join(thread, &result) == 0);
	say("cancelled: %d", result == PTHREAD_CANCELED);
}

static void play(void)
{
	struct pollfd one;

	fd = tcp(0);
	if (is_mode("longjmp"))
		jump();
	else
		cancel();
	one = (struct pollfd){ .fd = fd, .events = POLLIN | POLLOUT };
	TRY(poll(&one, 1, 0));
	MUST(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
	TRY(connect(fd, DEST));
	go();
	tell_end(fd);
	TRY(close(fd));
	TRY(dup(0) - fd);
}
