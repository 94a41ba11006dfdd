/* SPDX-License-Identifier: MIT */
/* What the caller learns where ARGUMENT must not run; MODE starts it. */
#include <spawn.h>

#include "trace.h"

static void play(void)
{
	char path[4096], *argv[] = { path, NULL };
	int error = 0;
	pid_t pid;

	snprintf(path, sizeof(path), "%s", argument);
	if (is_mode("posix_spawn")) {
		error = posix_spawn(&pid, path, NULL, NULL, argv, environ);
	} else if (is_mode("vfork")) {
		/* The child shares our memory. */
		static volatile int seen;

		pid = vfork();
		if (pid == 0) {
			execve(path, argv, environ);
			seen = errno;
			_exit(0);
		}
		MUST(waitpid(pid, NULL, 0) == pid);
		error = seen;
	} else {
		execve(path, argv, environ);
		error = errno;
	}
	say("%s", strerror(error));
}
