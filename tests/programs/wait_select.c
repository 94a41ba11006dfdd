/* SPDX-License-Identifier: MIT */
/* The select family likewise, also with descriptors beyond FD_SETSIZE. */
#include <sys/resource.h>
#include <sys/select.h>

#include "trace.h"

#ifdef __GLIBC__
static const bool keeps_time = true; /* select() leaves what is left of it */
#else
static const bool keeps_time;
#endif

enum {
	WORDS = 64
}; /* 4096 descriptors */
static unsigned long sets[3][WORDS];

static bool bit(int set, int fd, bool put)
{
	if (put)
		sets[set][fd / 64] |= 1UL << fd % 64;
	return sets[set][fd / 64] >> fd % 64 & 1;
}

static int wait_for(int fd, int which, int us)
{
	struct timeval limit = { .tv_usec = us };
	struct timespec precise = { .tv_nsec = us * 1000L };
	fd_set *in = which & 1 ? (fd_set *)sets[0] : NULL;
	fd_set *out = which & 2 ? (fd_set *)sets[1] : NULL;
	fd_set *except = which & 4 ? (fd_set *)sets[2] : NULL;
	int ret;

	for (int i = 0; i < 3; i++)
		bit(i, fd, true);
	errno = UNTOUCHED;
	if (is_mode("pselect"))
		ret = pselect(fd + 1, in, out, except, us < 0 ? NULL : &precise,
			      NULL);
	else
		ret = select(fd + 1, in, out, except, us < 0 ? NULL : &limit);
	say("%d: %d, %s, %d%d%d, time is up: %d", which, ret,
	    ret < 0 ? strerror(errno) : "", bit(0, fd, false),
	    bit(1, fd, false), bit(2, fd, false),
	    keeps_time && !is_mode("pselect") && us > 0 && limit.tv_usec == 0);
	return ret;
}

static void play(void)
{
	struct rlimit many = { 4096, 4096 };
	int low = pending(), fd = low;

	if (*argument) {
		MUST(setrlimit(RLIMIT_NOFILE, &many) == 0);
		MUST((fd = dup2(low, atoi(argument))) >= 0);
	}
	for (int which = 0; which < 8; which++)
		wait_for(fd, which, which == 7 ? 20000 : 0);
	wait_for(fd - 1, 1, 0);
	memset(sets, 0, sizeof(sets));
	go();
	wait_for(fd, 2, -1);
	for (int which = 1; which < 8; which++)
		wait_for(fd, which, 0);
}
