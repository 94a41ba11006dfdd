/* SPDX-License-Identifier: MIT */
/*
 * Threads that wait in connect() while their process is sent signals: one of
 * them sees to each, and the calls of all go on. In mode `blocked` the first
 * thread takes none.
 */
#include <pthread.h>

#include "trace.h"

enum {
	THREADS = 4,
	SIGNALS = 10,
};

static volatile sig_atomic_t handled;

static void handle(int signum)
{
	(void)signum;
	handled++;
}

static void *wait_in_connect(void *unused)
{
	int fd = tcp(0);

	MUST(connect(fd, DEST) == 0);
	close(fd);
	return unused;
}

static void play(void)
{
	struct sigaction action = { .sa_handler = handle,
				    .sa_flags = SA_RESTART };
	pthread_t threads[THREADS];
	sigset_t set;
	pid_t child;

	sigaction(SIGUSR1, &action, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, wait_in_connect, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	if (is_mode("blocked"))
		pthread_sigmask(SIG_BLOCK, &set, NULL);
	child = fork();
	if (child == 0) {
		for (int i = 0; i < SIGNALS; i++) {
			usleep(100 * 1000);
			kill(getppid(), SIGUSR1);
		}
		go();
		_exit(0);
	}
	wait_in_connect(NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	waitpid(child, NULL, 0);
	say("handled: %d", handled > 0);
}
