/* SPDX-License-Identifier: MIT */
/*
 * A process that was forked past every hook may then do nothing but what its
 * sandbox, like a browser's, has on a list; anything else is its death.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "trace.h"

#define ALLOW(nr)                                        \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (nr), 0, 1), \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static void enter_sandbox(void)
{
	struct sock_filter rules[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		/* What the program calls. */
		ALLOW(SYS_close),
		ALLOW(SYS_dup),
		ALLOW(SYS_epoll_create1),
		ALLOW(SYS_epoll_ctl),
		ALLOW(SYS_epoll_pwait),
		ALLOW(SYS_exit_group),
		ALLOW(SYS_ppoll),
		ALLOW(SYS_shutdown),
#ifdef SYS_poll
		ALLOW(SYS_poll),
		ALLOW(SYS_epoll_wait),
#endif
		/* What any process may. */
		ALLOW(SYS_fstat),
		ALLOW(SYS_futex),
		ALLOW(SYS_getpid),
		ALLOW(SYS_mmap),
		ALLOW(SYS_rt_sigprocmask),
		ALLOW(SYS_sched_yield),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog filter = { sizeof(rules) / sizeof(*rules), rules };

	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	MUST(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0);
}

/* Not a word is said, for stdio allocates. */
static int use(int fd)
{
	struct epoll_event event = { .events = EPOLLOUT };
	struct pollfd one = { .fd = fd, .events = POLLOUT };
	int set = epoll_create1(0), copy = dup(fd);

	if (epoll_ctl(set, EPOLL_CTL_ADD, copy, &event) != 0)
		return 1;
	if (epoll_wait(set, &event, 1, 1000) != 1 || poll(&one, 1, 1000) != 1)
		return 2;
	return shutdown(copy, SHUT_RDWR) != 0 || close(copy) != 0 ||
	       close(set) != 0;
}

static void play(void)
{
	int pair[2], status = 0;
	pid_t child;

	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (child == 0) {
		enter_sandbox();
		_exit(use(pair[0]));
	}
	MUST(waitpid(child, &status, 0) == child);
	MUST(status == 0);
}
