/* SPDX-License-Identifier: MIT */
/* select() with as many descriptors as there may be: only the sets that are
 * there are looked at. */
#include "trace.h"

#include <sys/resource.h>

static void look(const char *what, int fd)
{
	struct {
		fd_set out;
		unsigned char behind[8192];
	} sets;
	struct timeval limit = { .tv_usec = 20000 };
	size_t changed = 0;
	int ready;

	FD_ZERO(&sets.out);
	FD_SET(fd, &sets.out);
	memset(sets.behind, 0xa5, sizeof(sets.behind));
	ready = select(getdtablesize(), NULL, &sets.out, NULL, &limit);
	for (size_t i = 0; i < sizeof(sets.behind); i++)
		changed += sets.behind[i] != 0xa5;
	say("%s: select = %d, set %d, changed %zu", what, ready,
	    FD_ISSET(fd, &sets.out) != 0, changed);
}

static void play(void)
{
	struct rlimit limit;
	fd_set *nowhere = (fd_set *)64;
	int fd = pending();

	MUST(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	if (limit.rlim_max >= 20000)
		limit.rlim_cur = 20000;
	MUST(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	look("pending", fd);
	TRY(select(4, NULL, nowhere, NULL, NULL));
	go();
	tell_end(fd);
	look("decided", fd);
}
