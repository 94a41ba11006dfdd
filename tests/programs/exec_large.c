/* SPDX-License-Identifier: MIT */
/*
 * However long the lists of an exec are, the kernel alone says whether they
 * are too long; and nothing is left behind in a process whose vfork child has
 * executed something.
 */
#include <spawn.h>
#include <sys/resource.h>

#include "trace.h"

enum {
	FITS = 100000,
	TOO_MANY = 1000000,
	TIMES = 20
};

#define TEN(x) x, x, x, x, x, x, x, x, x, x

static char *child[] = { "true", NULL };
static char *many[TOO_MANY + 1];

static int wait_for(pid_t pid)
{
	int status = -1;

	MUST(pid > 0 && waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int forked(int n)
{
	pid_t pid = fork();

	many[n] = NULL;
	if (pid == 0) {
		execve("/bin/true", child, many);
		_exit(errno);
	}
	many[n] = "A=b";
	return wait_for(pid);
}

static int vforked(int n)
{
	pid_t pid;

	many[n] = NULL;
	pid = vfork();
	if (pid == 0) {
		execve("/bin/true", child, many);
		_exit(errno);
	}
	many[n] = "A=b";
	return wait_for(pid);
}

static int listed(void)
{
	pid_t pid = vfork();

	if (pid == 0) {
		execl("/bin/true", "true", TEN(TEN("x")), TEN(TEN("x")),
		      TEN(TEN("x")), NULL);
		_exit(errno);
	}
	return wait_for(pid);
}

static int spawned(int n)
{
	pid_t pid;
	int error;

	many[n] = NULL;
	error = posix_spawn(&pid, "/bin/true", NULL, NULL, child, many);
	many[n] = "A=b";
	return error ? error : wait_for(pid);
}

/* How many bytes of address space there are. */
static long size(void)
{
	char line[64] = "";
	int file = open("/proc/self/statm", O_RDONLY);

	MUST(read(file, line, sizeof(line) - 1) > 0);
	close(file);
	return strtol(line, NULL, 10);
}

static void play(void)
{
	long before;

	for (int i = 0; i < TOO_MANY; i++)
		many[i] = "A=b";
	TRY(forked(FITS));
	TRY(vforked(FITS));
	TRY(spawned(FITS));
	TRY(listed());
	say("%s", strerror(forked(TOO_MANY)));
	say("%s", strerror(vforked(TOO_MANY)));
	say("%s", strerror(spawned(TOO_MANY)));
	before = size();
	for (int i = 0; i < TIMES; i++)
		MUST(vforked(FITS) == 0 && listed() == 0 && spawned(FITS) == 0);
	say("%ld more", size() - before);
}
