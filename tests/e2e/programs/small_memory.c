/* SPDX-License-Identifier: MIT */
/*
 * usage: small_memory dial
 *        small_memory HOW LIMIT FROM STEP TO
 *
 * Connects to the outside, and says what came of it: 0 or an errno.
 * Or starts itself, to do that, under each soft LIMIT (`data`, `space`) of
 * FROM to TO KiB. HOW is `execve`, `vfork`, `posix_spawn`, or `turns` for one
 * after the other. Says how many started, and the last error of the others.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef LARGE
/* Counted by RLIMIT_DATA, and never touched. */
static char large[LARGE] __attribute__((used));
#endif

extern char **environ;

static int dial(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(4433) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	inet_pton(AF_INET, "198.51.100.9", &to.sin_addr);
	printf("dialled: %d\n",
	       connect(fd, (struct sockaddr *)&to, sizeof(to)) ? errno : 0);
	return 0;
}

static void limit(int kind, rlim_t bytes)
{
	struct rlimit both;

	getrlimit(kind, &both);
	both.rlim_cur = bytes;
	setrlimit(kind, &both);
}

/* Execute it; returns the errno. */
static int execute(int kind, rlim_t bytes, char **argv)
{
	limit(kind, bytes);
	execve(argv[0], argv, environ);
	return errno;
}

/* vfork() in a function of its own: what it has is its child's as well. */
static int vfork_and_execute(int kind, rlim_t bytes, char **argv)
{
	volatile int error = 0;
	pid_t pid = vfork();

	if (pid == 0) {
		error = execute(kind, bytes, argv);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	return error;
}

/* A program that runs ends with 0. */
static int fork_and_execute(int kind, rlim_t bytes, char **argv)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(execute(kind, bytes, argv));
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

static int spawn(int kind, rlim_t bytes, char **argv)
{
	pid_t pid;
	int error;

	limit(kind, bytes);
	error = posix_spawn(&pid, argv[0], NULL, NULL, argv, environ);
	limit(kind, RLIM_INFINITY);
	if (!error)
		waitpid(pid, NULL, 0);
	return error;
}

static int (*const ways[])(int, rlim_t, char **) = { fork_and_execute,
						     vfork_and_execute, spawn };
static const char *const names[] = { "execve", "vfork", "posix_spawn" };

int main(int argc, char **argv)
{
	char dialling[] = "dial", *child[] = { argv[0], dialling, NULL };
	int kind, started = 0, error = 0;
	unsigned int turn = 0;
	rlim_t at, step, to;

	if (argc == 2)
		return dial();
	kind = strcmp(argv[2], "data") == 0 ? RLIMIT_DATA : RLIMIT_AS;
	at = strtoul(argv[3], NULL, 10);
	step = strtoul(argv[4], NULL, 10);
	to = strtoul(argv[5], NULL, 10);
	for (; at < to; at += step, turn++) {
		unsigned int way = turn % 3;
		int failed;

		if (strcmp(argv[1], "turns") != 0)
			for (way = 0; strcmp(argv[1], names[way]) != 0;)
				way++;
		failed = ways[way](kind, at << 10, child);
		started += !failed;
		if (failed)
			error = failed;
	}
	printf("started: %d, errno %d\n", started, error);
	return 0;
}
