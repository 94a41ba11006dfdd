/* SPDX-License-Identifier: MIT */
/* As many pending connects as there are descriptors for: the next one says so,
 * and all goes on when the first are over. */
#include "trace.h"

#include <sys/resource.h>

enum {
	MOST = 64
};

static int open_files(void)
{
	int count = 0;

	for (int fd = 0; fd < MOST; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static int connected(const int *fds, int n)
{
	int count = 0;

	for (int i = 0; i < n; i++)
		count += await(fds[i]) == POLLOUT && so_error(fds[i]) == 0 &&
			 echoes(fds[i]);
	return count;
}

static void play(void)
{
	struct rlimit limit = { .rlim_cur = MOST, .rlim_max = MOST };
	int fds[MOST], pipes[2], n, last, before;
	char byte = 'x';

	MUST(setrlimit(RLIMIT_NOFILE, &limit) == 0 && pipe(pipes) == 0);
	before = open_files();
	for (n = 0;; n++) {
		last = socket(dest.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (last < 0 ||
		    (connect(last, DEST) < 0 && errno != EINPROGRESS))
			break;
		fds[n] = last;
	}
	say("%s", strerror(errno));
	say("about half of them: %d", n >= (MOST - before) / 2 - 1);
	TRY(write(pipes[1], &byte, 1));
	TRY(read(pipes[0], &byte, 1));
	if (last >= 0)
		MUST(close(last) == 0);
	go();
	/* Nobody has waited for those that are over. */
	for (;;) {
		last = socket(dest.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (last >= 0 &&
		    (connect(last, DEST) == 0 || errno == EINPROGRESS))
			break;
		MUST(errno == EMFILE);
		if (last >= 0)
			MUST(close(last) == 0);
		usleep(1000);
	}
	fds[n++] = last;
	say("all of them: %d", connected(fds, n) == n);
	for (int i = 0; i < n; i++)
		MUST(close(fds[i]) == 0);
	say("left: %d", open_files() - before);
}
