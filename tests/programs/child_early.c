/* SPDX-License-Identifier: MIT */
/* Children of every make come and go while their parent's socket is pending. */
#include <sched.h>
#include <spawn.h>
#include <sys/syscall.h>

#include "trace.h"

static char *const argv[] = { "true", NULL };

static void close_range_all(void)
{
	syscall(SYS_close_range, 3, ~0U, 0);
}

static int child(int fd)
{
	close(fd);
	close_range_all();
	dup2(1, fd);
	close(fd);
	_exit(execve("/bin/true", argv, environ) < 0);
}

static pid_t start(int fd)
{
	posix_spawn_file_actions_t actions;
	pid_t pid = -1;

	if (is_mode("vfork")) {
		pid = vfork();
		if (pid == 0)
			child(fd);
		return pid;
	}
	if (is_mode("fork")) {
		pid = fork();
		if (pid == 0)
			child(fd);
		return pid;
	}
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addclose(&actions, fd);
	if (is_mode("spawnp"))
		MUST(posix_spawnp(&pid, "true", &actions, NULL, argv,
				  environ) == 0);
	else
		MUST(posix_spawn(&pid, "/bin/true", &actions, NULL, argv,
				 environ) == 0);
	return pid;
}

static void play(void)
{
	int fd = tcp(SOCK_NONBLOCK | SOCK_CLOEXEC), status;

	MUST(connect(fd, DEST) < 0 && errno == EINPROGRESS);
	for (int i = 0; i < 3; i++) {
		pid_t pid = start(fd);

		MUST(pid > 0 && waitpid(pid, &status, 0) == pid);
		say("status %d", status);
	}
	if (is_mode("system"))
		TRY(system("exit 3"));
	TRY(connect(fd, DEST));
	go();
	tell_end(fd);
}
