/* SPDX-License-Identifier: MIT */
/**
 * DOC: The rehearsal
 *
 * A filter over us (a container's, a service manager's) may forbid a call, and
 * a kernel may lack it. Each call is made once with arguments that the kernel
 * refuses or that change nothing, so that one that is permitted has no effect
 * and fails with an errno of its own. EPERM and ENOSYS are those of a call
 * that is forbidden or missing; no row can get them otherwise.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "rehearse.h"

#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	MAX_ARGS = 6,
	NO_ONE = 0x7fffffff, /* a process id that nobody has */
};

struct row {
	const char *name;
	long number;
	int need;
	long args[MAX_ARGS];
};

#define ROW(call, need, ...)                       \
	{                                          \
		#call, SYS_##call, PW_NEED_##need, \
		{                                  \
			__VA_ARGS__                \
		}                                  \
	}

#define EMPTY ((long)(intptr_t)"")

static const struct row rows[] = {
	/* sockets */
	ROW(socket, ALWAYS, AF_UNIX, -1, 0),
	ROW(socketpair, ALWAYS, AF_UNIX, -1, 0, 0),
	ROW(bind, ALWAYS, -1, 0, 0),
	ROW(listen, ALWAYS, -1, 0),
	ROW(accept4, ALWAYS, -1, 0, 0, 0),
	ROW(connect, ALWAYS, -1, 0, 0),
	ROW(shutdown, ALWAYS, -1, 0),
	ROW(getsockname, ALWAYS, -1, 0, 0),
	ROW(getpeername, ALWAYS, -1, 0, 0),
	ROW(getsockopt, ALWAYS, -1, 0, 0, 0, 0),
	ROW(setsockopt, ALWAYS, -1, 0, 0, 0, 0),
	ROW(sendto, ALWAYS, -1, 0, 0, 0, 0, 0),
	ROW(sendmsg, ALWAYS, -1, 0, 0),
	ROW(recvfrom, ALWAYS, -1, 0, 0, 0, 0, 0),
	ROW(recvmsg, ALWAYS, -1, 0, 0),
/* waiting */
#ifdef SYS_poll
	ROW(poll, ALWAYS, 0, 0, 0),
#else
	ROW(ppoll, ALWAYS, 0, 0, -1, 0, 0),
#endif
	ROW(epoll_create1, ALWAYS, -1),
	ROW(epoll_ctl, ALWAYS, -1, 0, -1, 0),
#ifdef SYS_epoll_wait
	ROW(epoll_wait, ALWAYS, -1, 0, 0, 0),
#else
	ROW(epoll_pwait, ALWAYS, -1, 0, 0, 0, 0, 0),
#endif
	ROW(rt_sigaction, ALWAYS, 0, 0, 0, 8),
	ROW(rt_sigprocmask, ALWAYS, 0, 0, 0, 8),
	ROW(rt_sigtimedwait, ALWAYS, 0, 0, 0, 0),
	/* processes */
	ROW(clone, ALWAYS, CLONE_SIGHAND, 0, 0, 0, 0),
	ROW(wait4, ALWAYS, -1, 0, -1, 0),
	ROW(kill, ALWAYS, NO_ONE, 0),
	ROW(prctl, ALWAYS, -1, 0, 0, 0, 0),
	ROW(getpid, ALWAYS, 0),
	ROW(getppid, ALWAYS, 0),
	ROW(getuid, ALWAYS, 0),
	ROW(geteuid, ALWAYS, 0),
	ROW(getgid, ALWAYS, 0),
	ROW(getegid, ALWAYS, 0),
	ROW(getpgid, ALWAYS, NO_ONE),
	ROW(getsid, ALWAYS, NO_ONE),
	ROW(setpgid, ALWAYS, 0, -1),
/* files */
#ifdef SYS_access
	ROW(access, ALWAYS, EMPTY, 0),
	ROW(mkdir, ALWAYS, EMPTY, 0),
	ROW(chmod, ALWAYS, EMPTY, 0),
	ROW(unlink, ALWAYS, EMPTY),
	ROW(rmdir, ALWAYS, EMPTY),
	ROW(dup2, ALWAYS, -1, -1),
#else
	ROW(faccessat, ALWAYS, -1, EMPTY, 0),
	ROW(mkdirat, ALWAYS, -1, EMPTY, 0),
	ROW(fchmodat, ALWAYS, -1, EMPTY, 0),
	ROW(unlinkat, ALWAYS, -1, EMPTY, 0),
	ROW(dup3, ALWAYS, -1, -1, 0),
#endif
	ROW(chdir, ALWAYS, EMPTY),

	ROW(seccomp, FILTER, -1, 0, 0),
	ROW(pidfd_open, FILTER, -1, 0),
	ROW(pidfd_getfd, FILTER, -1, -1, 0),
	ROW(process_vm_readv, FILTER, NO_ONE, 0, 0, 0, 0, 0),
	ROW(process_vm_writev, FILTER, NO_ONE, 0, 0, 0, 0, 0),
	ROW(tgkill, FILTER, -1, -1, 0),

	ROW(pidfd_open, CHILDREN, -1, 0),
	ROW(waitid, CHILDREN, -1, 0, 0, 0, 0),

	ROW(splice, SPLICE, -1, 0, -1, 0, 1, 0),
	ROW(pipe2, SPLICE, 0, -1),
};

static int outcome(long number, const long *args)
{
	if (syscall(number, args[0], args[1], args[2], args[3], args[4],
		    args[5]) != -1)
		return 0;
	return errno == EPERM || errno == ENOSYS ? errno : 0;
}

/* umask() refuses nothing: what was changed is put back. */
static int outcome_of_umask(void)
{
	long before = syscall(SYS_umask, 077);

	if (before == -1)
		return errno;
	syscall(SYS_umask, before);
	return 0;
}

/**
 * pw_rehearse() - Find a system call that is forbidden or missing
 * @need: enum pw_need
 * @error: filled in with EPERM or ENOSYS
 *
 * Return: its name, or NULL where there is none
 */
const char *pw_rehearse(int need, int *error)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].need != need)
			continue;
		*error = outcome(rows[i].number, rows[i].args);
		if (*error)
			return rows[i].name;
	}
	if (need == PW_NEED_ALWAYS) {
		*error = outcome_of_umask();
		if (*error)
			return "umask";
	}
	return NULL;
}
