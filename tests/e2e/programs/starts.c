/* SPDX-License-Identifier: MIT */
/*
 * usage: starts HOW ENVIRONMENT PROGRAM ARGUMENTS...
 *
 * Starts a program, with an environment (`full`, `empty`, or one that is too
 * `long`), and ends as it does; where that fails, says why, and whether a
 * seccomp filter is over us.
 */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void say_failure(int error)
{
	char line[256];
	FILE *status = fopen("/proc/self/status", "r");

	printf("%s\n", strerror(error));
	while (fgets(line, sizeof(line), status))
		if (strncmp(line, "Seccomp:", 8) == 0)
			fputs(line, stdout);
	fclose(status);
	fflush(stdout);
}

static int end_of(pid_t pid)
{
	int status = 0;

	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 99;
}

static int
spawn(int (*function)(pid_t *, const char *, const posix_spawn_file_actions_t *,
		      const posix_spawnattr_t *, char *const[], char *const[]),
      char **argv, char **envp)
{
	pid_t pid;
	int error = function(&pid, argv[0], NULL, NULL, argv, envp);

	if (error == 0)
		return end_of(pid);
	say_failure(error);
	return 1;
}

/* vfork() in a function of its own: what it has is its child's as well. */
static int start_child(const char *how, char **argv, char **envp)
{
	volatile int error = 0;
	pid_t pid = strcmp(how, "vfork") == 0 ? vfork() : fork();

	if (pid == 0) {
		if (strcmp(how, "search") == 0)
			execvpe(argv[0], argv, envp);
		else
			execve(argv[0], argv, envp);
		error = errno;
		if (strcmp(how, "vfork") != 0)
			say_failure(error);
		_exit(1);
	}
	if (error)
		say_failure(error);
	return end_of(pid);
}

int main(int argc, char **argv)
{
	static char text[3 << 20], *empty[] = { NULL },
				   *lengthy[] = { text, NULL };
	char **envp = environ;

	if (argc < 4)
		return 2;
	memset(text, 'A', sizeof(text) - 1);
	if (strcmp(argv[2], "empty") == 0)
		envp = empty;
	else if (strcmp(argv[2], "long") == 0)
		envp = lengthy;
	if (strcmp(argv[1], "spawn") == 0)
		return spawn(posix_spawn, argv + 3, envp);
	if (strcmp(argv[1], "spawnp") == 0)
		return spawn(posix_spawnp, argv + 3, envp);
	if (strcmp(argv[1], "in-place") != 0)
		return start_child(argv[1], argv + 3, envp);
	execve(argv[3], argv + 3, envp);
	say_failure(errno);
	return 1;
}
