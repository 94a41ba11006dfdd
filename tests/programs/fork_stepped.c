/* SPDX-License-Identifier: MIT */
/*
 * A fork child is interrupted by a signal whose handler connects, after every
 * ARGUMENTth instruction from its first one on: it ends, every time.
 *
 * The tracer is a process of its own, so that the child is stopped before its
 * first instruction (PTRACE_O_TRACEFORK).
 */
#include <sys/prctl.h>
#include <sys/ptrace.h>

#include "trace.h"

enum {
	PATIENCE_S = 20
};

static void on_signal(int number)
{
	int saved = errno, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	(void)number;
	if (connect(fd, DEST) == 0 || errno != EINPROGRESS)
		_exit(3);
	close(fd);
	errno = saved;
}

/* Fork children that end at once, until one has told that it was the last. */
static void fork_on(void)
{
	int status = 0;

	while (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		pid_t child = fork();

		if (child == 0)
			_exit(0);
		MUST(waitpid(child, &status, 0) == child);
	}
	_exit(0);
}

static int wait_for(pid_t pid)
{
	int status;

	MUST(waitpid(pid, &status, __WALL) == pid);
	return status;
}

/* Return: whether it has ended by itself, and has made so many steps */
static bool is_interrupted(pid_t child, int steps, bool *ends)
{
	int status = wait_for(child); /* its first stop */
	long number = SIGUSR1;

	for (int i = 0; i < steps && WIFSTOPPED(status); i++) {
		MUST(ptrace(PTRACE_SINGLESTEP, child, 0, 0) == 0);
		status = wait_for(child);
	}
	*ends = true;
	if (!WIFSTOPPED(status))
		return false;
	while (WIFSTOPPED(status)) {
		MUST(ptrace(PTRACE_CONT, child, 0, number) == 0);
		alarm(PATIENCE_S);
		status = wait_for(child);
		alarm(0);
		number = WIFSTOPPED(status) ? WSTOPSIG(status) : 0;
	}
	*ends = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	return true;
}

static void play(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	int stride = atoi(argument), steps = 0;
	bool ends = true, has_more = true;
	pid_t parent;

	MUST(sigaction(SIGUSR1, &action, NULL) == 0);
	MUST(close(pending()) == 0); /* the tables are there */
	parent = fork();
	if (parent == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		fork_on();
	}
	wait_for(parent);
	MUST(ptrace(PTRACE_SETOPTIONS, parent, 0,
		    PTRACE_O_TRACEFORK | PTRACE_O_EXITKILL) == 0);
	for (; ends && has_more; steps += stride) {
		unsigned long child;
		int status, number = 0;

		do {
			MUST(ptrace(PTRACE_CONT, parent, 0, number) == 0);
			status = wait_for(parent);
			MUST(WIFSTOPPED(status));
			number = status >> 8 == (SIGTRAP | PTRACE_EVENT_FORK
								   << 8)
					 ? 0
					 : WSTOPSIG(status);
		} while (number != 0);
		MUST(ptrace(PTRACE_GETEVENTMSG, parent, 0, &child) == 0);
		has_more = is_interrupted((pid_t)child, steps, &ends);
	}
	MUST(ends);
	MUST(steps > 100);
	kill(parent, SIGKILL);
	wait_for(parent);
}
