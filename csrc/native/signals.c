/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
/**
 * DOC: All signals for the first thread
 *
 * The launcher blocks every signal and takes them with sigwaitinfo(). Only the
 * thread that blocks a signal is spared its action: where another thread is
 * there, which a preloaded library has started, the kernel lets that one have
 * what is sent to the process, and the action is the end of us all. So every
 * signal has a handler that sends it on to the first thread.
 */
#include "signals.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	SIGNALS = 65 /* one more than the last */
};

static struct sigaction before[SIGNALS];

static bool is_fault(int signum)
{
	return signum == SIGSEGV || signum == SIGBUS || signum == SIGFPE ||
	       signum == SIGILL || signum == SIGTRAP || signum == SIGSYS;
}

/* Whether the process has sent it to itself, a fault being that too. */
static bool is_own(int signum, const siginfo_t *info)
{
	if (info->si_code > 0)
		return is_fault(signum);
	return info->si_code == SI_TIMER ||
	       info->si_pid == (pid_t)syscall(SYS_getpid);
}

/* Do what was to be done about a signal before. */
static void act_as_before(int signum, siginfo_t *info, void *context)
{
	const struct sigaction *action = &before[signum];

	if (action->sa_flags & SA_SIGINFO) {
		action->sa_sigaction(signum, info, context);
	} else if (action->sa_handler == SIG_DFL) {
		if (signum == SIGCHLD || signum == SIGURG ||
		    signum == SIGWINCH || signum == SIGCONT)
			return;
		sigaction(signum, action, NULL);
		/* A fault happens again by itself. */
		if (info->si_code <= 0)
			syscall(SYS_tgkill, syscall(SYS_getpid),
				syscall(SYS_gettid), signum);
	} else if (action->sa_handler != SIG_IGN) {
		action->sa_handler(signum);
	}
}

static void send_on(int signum, siginfo_t *info, void *context)
{
	const int saved = errno;
	const pid_t process = (pid_t)syscall(SYS_getpid);
	siginfo_t copy = *info;

	if (is_own(signum, info)) {
		act_as_before(signum, info, context);
	} else {
		/* A thread may not send another one what the kernel sends. */
		copy.si_errno = info->si_code;
		copy.si_code = PW_SENT_ON;
		if (syscall(SYS_rt_tgsigqueueinfo, process, process, signum,
			    &copy) < 0)
			syscall(SYS_tgkill, process, process, signum);
	}
	errno = saved;
}

/**
 * pw_gather_signals() - Have the first thread get every signal of the process
 *
 * It blocks them all. What it gets by way of another thread has the si_code
 * PW_SENT_ON, and in si_errno the true one; si_pid is the sender's.
 */
void pw_gather_signals(void)
{
	struct sigaction action = {
		.sa_sigaction = send_on,
		.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK,
	};

	sigfillset(&action.sa_mask);
	for (int signum = 1; signum < SIGNALS; signum++)
		/* Not for SIGKILL and SIGSTOP, nor for libc's own. */
		sigaction(signum, &action, &before[signum]);
}

/* Give back the actions that there were, but for those that are others now. */
void pw_release_signals(void)
{
	struct sigaction now;

	for (int signum = 1; signum < SIGNALS; signum++)
		if (sigaction(signum, NULL, &now) == 0 &&
		    (now.sa_flags & SA_SIGINFO) && now.sa_sigaction == send_on)
			sigaction(signum, &before[signum], NULL);
}
