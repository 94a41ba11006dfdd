/* SPDX-License-Identifier: MIT */
/*
 * Clears its environment, and runs shells from several threads while another
 * one changes it, or is cancelled; prints how many of them had no LD_PRELOAD,
 * and whether the environment is whole. A shell that could not be executed
 * (127: libc has freed the environment under it, wrapped or not) had nothing.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	THREADS = 3,
	SHELLS = 30
};

static atomic_int bare, is_over;

static void *run(void *unused)
{
	for (int i = 0; i < SHELLS; i++) {
		int status = system("test -n \"$LD_PRELOAD\"");

		bare += status != 0 && WEXITSTATUS(status) != 127;
	}
	return unused;
}

static void *change(void *unused)
{
	for (int i = 0; !is_over; i++) {
		char name[32];

		snprintf(name, sizeof(name), "NAME%d", i % 1000);
		setenv(name, "value", 1);
		usleep(100);
	}
	return unused;
}

static void *wait_long(void *unused)
{
	system("sleep 5");
	return unused;
}

int main(void)
{
	pthread_t threads[THREADS], changer, waiter;

	clearenv();
	setenv("KEPT", "yes", 1);
	pthread_create(&waiter, NULL, wait_long, NULL);
	usleep(200000);
	pthread_cancel(waiter);
	pthread_join(waiter, NULL);
	clearenv();
	setenv("KEPT", "yes", 1);
	pthread_create(&changer, NULL, change, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, run, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	is_over = 1;
	pthread_join(changer, NULL);
	printf("%d %s\n", bare, getenv("KEPT"));
	return 0;
}
