/* SPDX-License-Identifier: MIT */
/* select() over more numbers than most programs ever have, where /proc tells
 * which of them are there, and where it does not. */
#include "trace.h"

#include <sys/resource.h>

enum {
	HIGH = 70000,
	MANY = 100000
};

struct set {
	unsigned long words[MANY / 64 + 1];
};

static void put(struct set *set, int fd)
{
	set->words[fd / 64] |= 1UL << (fd % 64);
}

static bool has(const struct set *set, int fd)
{
	return set->words[fd / 64] >> (fd % 64) & 1;
}

static void look(const char *what, int fd, const int pipes[2])
{
	static struct set in, out;
	struct timeval limit = { .tv_sec = 20 };
	struct timespec none = { 0 };
	int ready;

	for (int way = 0; way < 2; way++) {
		memset(&in, 0, sizeof(in));
		memset(&out, 0, sizeof(out));
		put(&in, pipes[0]);
		put(&out, fd);
		put(&in, fd);
		ready = way ? pselect(MANY, (fd_set *)&in, (fd_set *)&out, NULL,
				      &none, NULL)
			    : select(MANY, (fd_set *)&in, (fd_set *)&out, NULL,
				     &limit);
		say("%s: %d ready, pipe %d, socket in %d, out %d", what, ready,
		    has(&in, pipes[0]), has(&in, fd), has(&out, fd));
	}
}

/* As high as this process may have it. */
static int moved(int fd)
{
	struct rlimit limit = { .rlim_cur = MANY, .rlim_max = MANY };
	int high = HIGH;

	if (setrlimit(RLIMIT_NOFILE, &limit) < 0) {
		MUST(getrlimit(RLIMIT_NOFILE, &limit) == 0);
		high = (int)limit.rlim_cur - 1;
	}
	MUST(dup2(fd, high) == high);
	return high;
}

static void play(void)
{
	char empty[] = "/tmp/proxywrap-XXXXXX";
	int fd = pending(), pipes[2];

	MUST(pipe(pipes) == 0 && write(pipes[1], "x", 1) == 1);
	pipes[0] = moved(pipes[0]);
	if (is_mode("chroot"))
		MUST(chdir("/tmp") == 0 && mkdtemp(empty) &&
		     chroot(empty) == 0 && rmdir(empty + 5) == 0);
	look("pending", fd, pipes);
	go();
	await(fd);
	look("decided", fd, pipes);
	tell_end(fd);
}
