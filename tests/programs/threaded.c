/* SPDX-License-Identifier: MIT */
/* A library that starts a thread as soon as it is loaded. */
#include <pthread.h>
#include <unistd.h>

static void *rest(void *argument)
{
	for (;;)
		pause();
	return argument;
}

__attribute__((constructor)) static void start(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, rest, NULL);
}
