/* SPDX-License-Identifier: MIT */
/* Executes ARGUMENT, found in PATH by the function MODE, and says why not. */
#include <spawn.h>

#include "trace.h"

static void play(void)
{
	char name[256], *argv[] = { name, NULL };
	int status = 0;
	pid_t pid;

	snprintf(name, sizeof(name), "%s", argument);
	if (is_mode("posix_spawnp")) {
		errno = posix_spawnp(&pid, name, NULL, NULL, argv, environ);
	} else {
		pid = fork();
		if (pid == 0) {
			if (is_mode("execvp"))
				execvp(name, argv);
			else if (is_mode("execlp"))
				execlp(name, name, NULL);
			else
				execvpe(name, argv, environ);
			_exit(errno);
		}
		MUST(waitpid(pid, &status, 0) == pid);
		errno = WEXITSTATUS(status);
	}
	say("%s", strerror(errno));
}
