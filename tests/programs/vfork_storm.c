/* SPDX-License-Identifier: MIT */
/* Children by vfork come and go while threads connect: neither side waits. */
#include <sys/syscall.h>

#include "threads.h"

enum {
	THREADS = 4,
	CHILDREN = 150
};

static _Atomic bool is_over;

static void *work(void *unused)
{
	while (!is_over) {
		int fd = pending();

		MUST(await(fd) == POLLOUT && so_error(fd) == 0 && echoes(fd));
		MUST(close(fd) == 0);
	}
	return unused;
}

static void start_child(void)
{
	char *const argv[] = { "true", NULL };
	int status;
	pid_t pid = vfork();

	if (pid == 0) {
		for (int fd = 3; fd < 40; fd++)
			dup2(2, fd);
		syscall(SYS_close_range, 3, ~0U, 0);
		execve("/bin/true", argv, environ);
		_exit(1);
	}
	MUST(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
}

static void play(void)
{
	pthread_t threads[THREADS];
	int before = dup(0);

	close(before);
	go();
	for (int i = 0; i < THREADS; i++)
		MUST(pthread_create(&threads[i], NULL, work, NULL) == 0);
	for (int i = 0; i < CHILDREN; i++)
		start_child();
	is_over = true;
	for (int i = 0; i < THREADS; i++)
		MUST(pthread_join(threads[i], NULL) == 0);
	TRY(dup(0) == before);
}
