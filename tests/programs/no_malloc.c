/* SPDX-License-Identifier: MIT */
/* A program with a malloc of its own, which sees who calls it and when. */
#include "trace.h"

static bool is_counted;
static int calls;
static _Alignas(16) char arena[1 << 20];
static size_t used;

void *malloc(size_t size)
{
	void *place = arena + used;

	calls += is_counted;
	used += (size + 15) & ~15UL;
	return used <= sizeof(arena) ? place : NULL;
}

void *calloc(size_t n, size_t size)
{
	return malloc(n * size);
}

void *realloc(void *old, size_t size)
{
	void *place = malloc(size);

	if (old && place)
		memmove(place, old, size);
	return place;
}

void free(void *place)
{
	calls += is_counted && place;
}

static void play(void)
{
	struct pollfd one;
	int fd;

	is_counted = true;
	fd = pending();
	one = (struct pollfd){ .fd = fd, .events = POLLOUT };
	poll(&one, 1, 0);
	close(dup(fd));
	is_counted = false;
	go();
	is_counted = true;
	one.revents = (short)await(fd);
	is_counted = false;
	say("calls %d", calls);
	tell_end(fd);
}
