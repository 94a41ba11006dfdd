/* SPDX-License-Identifier: MIT */
/*
 * usage: leave HOW START ROOT PROGRAM ARGUMENT...
 *
 * Leaves its network namespace (HOW: unshare, setns, clone, by-number, clone3;
 * stay), changes to the root directory ROOT, closes or covers every descriptor
 * but the standard ones, and starts PROGRAM there (START: exec, spawn, system,
 * popen).
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
static char **words;

static int fail(const char *what)
{
	printf("%s: %s\n", what, strerror(errno));
	return 1;
}

static int ended(pid_t pid)
{
	int status;

	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return fail("child");
	return WEXITSTATUS(status);
}

static int start(void)
{
	char line[4096] = "", *how = words[0];
	pid_t pid;
	FILE *out;

	if (chroot(words[1]) < 0 || chdir("/") < 0)
		return fail("chroot");
	for (int fd = 3; fd < 3000; fd++)
		if (fd % 2)
			dup2(0, fd);
	syscall(SYS_close_range, 3, ~0U, 0);
	for (char **word = words + 2; *word; word++)
		sprintf(line + strlen(line), "%s ", *word);
	fflush(stdout);
	if (strcmp(how, "exec") == 0)
		execv(words[2], words + 2);
	else if (strcmp(how, "spawn") == 0 &&
		 (errno = posix_spawn(&pid, words[2], NULL, NULL, words + 2,
				      environ)) == 0)
		return ended(pid);
	else if (strcmp(how, "system") == 0)
		return WEXITSTATUS(system(line));
	else if (strcmp(how, "popen") == 0 && (out = popen(line, "r"))) {
		while (fgets(line, sizeof(line), out))
			fputs(line, stdout);
		return WEXITSTATUS(pclose(out));
	}
	return fail(how);
}

static int begin(void *unused)
{
	(void)unused;
	exit(start());
}

static int enter_anothers(void)
{
	int ready[2], fd;
	char path[64];
	pid_t pid;

	if (pipe(ready) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		if (unshare(CLONE_NEWNET) == 0)
			write(ready[1], "", 1);
		pause();
	}
	read(ready[0], path, 1);
	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	fd = open(path, O_RDONLY);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return setns(fd, 0);
}

int main(int argc, char **argv)
{
	static char stack[65536] __attribute__((aligned(16)));
	/* struct clone_args: the flags, and the signal at its end. */
	uint64_t args[11] = { [0] = CLONE_NEWNET, [4] = SIGCHLD };
	const char *how = argv[1];
	pid_t pid = 0;

	if (argc < 5)
		return 2;
	words = argv + 2;
	if (strcmp(how, "unshare") == 0 && unshare(CLONE_NEWNET) < 0)
		return fail(how);
	if (strcmp(how, "setns") == 0 && enter_anothers() < 0)
		return fail(how);
	if (strcmp(how, "clone") == 0)
		return ended(clone(begin, stack + sizeof(stack),
				   CLONE_NEWNET | SIGCHLD, NULL));
	if (strcmp(how, "by-number") == 0)
		pid = (pid_t)syscall(SYS_clone, CLONE_NEWNET | SIGCHLD, NULL);
	if (strcmp(how, "clone3") == 0)
		pid = (pid_t)syscall(SYS_clone3, args, sizeof(args));
	return pid ? ended(pid) : start();
}
