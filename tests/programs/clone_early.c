/* SPDX-License-Identifier: MIT */
/*
 * A process that was forked past every hook borrows its memory to a child
 * before it has done anything else; afterwards a connect of its own is
 * pending as ever.
 */
#include <sched.h>
#include <sys/epoll.h>
#include <sys/syscall.h>

#include "trace.h"

static _Alignas(16) char stack[65536];

/* Comes to what the shim remembers before its parent does. */
static int borrower(void *unused)
{
	int set = epoll_create1(0);

	(void)unused;
	_exit(set < 0 || close(set) != 0);
}

static pid_t borrow(void)
{
	pid_t pid;

	if (is_mode("clone"))
		return clone(borrower, stack + sizeof(stack),
			     CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
	pid = vfork();
	if (pid == 0)
		borrower(NULL);
	return pid;
}

static void play(void)
{
	int status = 0;
	pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	if (child == 0) {
		pid_t grandchild = borrow();
		int fd;

		MUST(waitpid(grandchild, &status, 0) == grandchild);
		TRY(status);
		fd = tcp(SOCK_NONBLOCK);
		TRY(connect(fd, DEST));
		TRY(connect(fd, DEST));
		go();
		tell_end(fd);
		_exit(0);
	}
	MUST(waitpid(child, &status, 0) == child);
	TRY(status);
}
