/* SPDX-License-Identifier: MIT */
/*
 * A thread that toggles O_NONBLOCK on a socket while it is lent delays nobody
 * else's connect. ARGUMENT is the port of a local listener that never answers.
 */
#include <pthread.h>

#include "trace.h"

static _Atomic int lent = -1;
static _Atomic bool is_over;

static void *toggle(void *unused)
{
	while (!is_over) {
		fcntl(lent, F_SETFL, 0);
		fcntl(lent, F_SETFL, O_NONBLOCK);
	}
	return unused;
}

static void play(void)
{
	struct sockaddr_in silent = { .sin_family = AF_INET };
	pthread_t thread;

	silent.sin_port = htons((uint16_t)atoi(argument));
	silent.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	go();
	MUST(pthread_create(&thread, NULL, toggle, NULL) == 0);
	for (int i = 0; i < 50; i++) {
		int fd = tcp(0), before = lent, next = tcp(SOCK_NONBLOCK);

		MUST(connect(next, (struct sockaddr *)&silent, sizeof(silent)) <
		     0);
		/* The helper has hardly begun. */
		lent = next;
		MUST(connect(fd, DEST) == 0 && echoes(fd));
		MUST(close(fd) == 0 && (before < 0 || close(before) == 0));
	}
	is_over = true;
	MUST(pthread_join(thread, NULL) == 0);
}
