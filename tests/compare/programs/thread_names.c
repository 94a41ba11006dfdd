/* SPDX-License-Identifier: MIT */
/*
 * Sixteen threads look up some of two hundred names each, at once: each name
 * has one address, and each address one name.
 */
#include <pthread.h>

#include "trace.h"

enum {
	THREADS = 16,
	NAMES = 200,
	STEP = 4
};

static uint32_t found[THREADS][NAMES];

/* A quarter of the names, so that each is asked for by four threads. */
static void *look_up(void *data)
{
	struct addrinfo hints = { .ai_family = AF_INET,
				  .ai_socktype = SOCK_STREAM };
	long thread = (long)data;
	char name[64];

	for (int i = (int)thread % STEP; i < NAMES; i += STEP) {
		struct addrinfo *list;
		struct sockaddr_in *in;

		snprintf(name, sizeof(name), "n%d.test", i);
		if (getaddrinfo(name, NULL, &hints, &list) != 0)
			continue;
		in = (struct sockaddr_in *)list->ai_addr;
		found[thread][i] = in->sin_addr.s_addr;
		freeaddrinfo(list);
	}
	return NULL;
}

static void play(void)
{
	pthread_t threads[THREADS];
	int missing = 0, torn = 0, shared = 0;

	for (long i = 0; i < THREADS; i++)
		MUST(pthread_create(&threads[i], NULL, look_up, (void *)i) ==
		     0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < NAMES; i++)
		for (int t = i % STEP; t < THREADS; t += STEP) {
			missing += found[t][i] == 0;
			torn += found[t][i] != found[i % STEP][i];
		}
	for (int i = 0; i < NAMES; i++)
		for (int other = 0; other < i; other++)
			shared += found[i % STEP][i] ==
				  found[other % STEP][other];
	say("missing: %d", missing);
	say("names with two addresses: %d", torn);
	say("names with one address: %d", shared);
}
