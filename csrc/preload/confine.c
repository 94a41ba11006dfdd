/* SPDX-License-Identifier: MIT */
/**
 * DOC: A thread of its own for the filter
 *
 * A filter cannot be taken off, and an exec that fails must leave none. So it
 * is put over a thread that lives for this alone: it shares everything with
 * its maker, who waits for it as vfork()'s caller does, and runs on the stack
 * below it. If it executes a program, that takes the place of the whole
 * process, its maker among it; else it ends, and nobody has a filter.
 *
 * A debugger knows the thread that it traces and loses one that takes the place
 * of all. So a thread that is traced puts the filter over itself before it
 * executes; if that fails it goes on under it, as under --engine both.
 *
 * The helper takes the listener by its number, for no message that carries a
 * descriptor passes the filter unanswered.
 */
#include "confine.h"

#include "../notify/filter.h"
#include "channel.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>

enum {
	SIGSET_BYTES = 8,
	STATUS_BYTES = 512 /* more than what stands before TracerPid */
};

struct thread {
	struct pw_start *start;
	uint64_t mask;
	unsigned int parent_death;
	int result;
};

/* Whether we are under our own helper's filter: it knows the token. */
bool pw_is_confined(void)
{
	return pw_sys(SYS_getsockopt, -1, SOL_SOCKET, SO_ERROR,
		      pw_channel()->token, PW_PROBE) == PW_PROBE;
}

/* After the filter, what is asked for must not be asked by us. */
static int hand_over(int ctl, int listener)
{
	struct pw_request request = { .version = PW_WIRE_VERSION,
				      .op = PW_OP_LISTEN,
				      .number = listener };
	struct pw_reply reply;

	memcpy(request.token, pw_channel()->token, PW_TOKEN_BYTES);
	if (pw_sys(SYS_write, ctl, &request, sizeof(request)) !=
		    sizeof(request) ||
	    pw_sys(SYS_read, ctl, &reply, sizeof(reply)) != sizeof(reply) ||
	    reply.version != PW_WIRE_VERSION)
		return ECONNREFUSED;
	return reply.error;
}

/* Return: 0 or an errno */
static int enter(void)
{
	int ctl = pw_channel_open(true), listener, error;

	if (ctl < 0)
		return -ctl;
	listener = pw_filter_install();
	error = listener < 0 ? -listener : hand_over(ctl, listener);
	if (listener >= 0)
		pw_sys(SYS_close, listener);
	pw_sys(SYS_close, ctl);
	return error;
}

/* Whether a debugger traces this thread: proc(5). */
static bool is_traced(void)
{
	static const char field[] = "\nTracerPid:\t";
	const size_t length = sizeof(field) - 1;
	char text[STATUS_BYTES];
	int fd = (int)pw_sys(SYS_openat, AT_FDCWD, "/proc/thread-self/status",
			     O_RDONLY | O_CLOEXEC, 0);
	long n;

	if (fd < 0)
		return false;
	n = pw_sys(SYS_read, fd, text, sizeof(text));
	pw_sys(SYS_close, fd);
	for (long i = 0; i + (long)length < n; i++)
		if (memcmp(text + i, field, length) == 0)
			return text[i + (long)length] != '0';
	return false;
}

__attribute__((used)) static void live(struct thread *thread)
{
	struct pw_start *start = thread->start;

	start->filter_error = enter();
	if (start->filter_error)
		return;
	if (thread->parent_death)
		pw_sys(SYS_prctl, PR_SET_PDEATHSIG, thread->parent_death, 0, 0,
		       0);
	pw_sys(SYS_rt_sigprocmask, SIG_SETMASK, &thread->mask, NULL,
	       SIGSET_BYTES);
	thread->result = start->body(start->argument);
}

/*
 * Make the thread, and wait until it has ended. The kernel gives it the
 * registers of its maker, the one for the thread's own memory among them.
 */
static long make_thread(struct thread *thread)
{
	const long flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
			   CLONE_THREAD | CLONE_SYSVSEM | CLONE_VFORK;
	long ret;

#if defined(__x86_64__)
	__asm__ volatile(
		"leaq -512(%%rsp), %%rsi\n\t"
		"andq $-16, %%rsi\n\t"
		"xorl %%edx, %%edx\n\t"
		"xorl %%r10d, %%r10d\n\t"
		"xorl %%r8d, %%r8d\n\t"
		"syscall\n\t"
		"testq %%rax, %%rax\n\t"
		"jnz 1f\n\t"
		"xorl %%ebp, %%ebp\n\t"
		"movq %[thread], %%rdi\n\t"
		"call live\n\t"
		"movl %[leave], %%eax\n\t"
		"xorl %%edi, %%edi\n\t"
		"syscall\n"
		"1:"
		: "=a"(ret)
		: "a"(SYS_clone),
		  "D"(flags), [thread] "b"(thread), [leave] "i"(SYS_exit)
		: "rsi", "rdx", "r10", "r8", "rcx", "r11", "memory");
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = SYS_clone;
	register long x0 __asm__("x0") = flags;
	register struct thread *x19 __asm__("x19") = thread;

	__asm__ volatile("sub x1, sp, #512\n\t"
			 "and x1, x1, #-16\n\t"
			 "mov x2, xzr\n\t"
			 "mov x3, xzr\n\t"
			 "mov x4, xzr\n\t"
			 "svc 0\n\t"
			 "cbnz x0, 1f\n\t"
			 "mov x29, xzr\n\t"
			 "mov x0, x19\n\t"
			 "bl live\n\t"
			 "mov x8, %[leave]\n\t"
			 "mov x0, xzr\n\t"
			 "svc 0\n"
			 "1:"
			 : "+r"(x0)
			 : "r"(x8), "r"(x19), [leave] "i"(SYS_exit)
			 : "x1", "x2", "x3", "x4", "x30", "memory", "cc");
	ret = x0;
#endif
	return ret;
}

/**
 * pw_confine() - Do something under the filter
 * @start: what
 *
 * No signal is handled until the program is about to be started.
 *
 * Return: 0 or -errno, as its body did; -EACCES where there is no filter
 * Context: async-signal-safe; opens and closes descriptors
 */
int pw_confine(struct pw_start *start)
{
	struct thread thread = { .start = start, .result = -EAGAIN };
	uint64_t all = UINT64_MAX;
	long ret;

	if (pw_is_confined())
		return start->body(start->argument);
	pw_sys(SYS_prctl, PR_GET_PDEATHSIG, &thread.parent_death, 0, 0, 0);
	pw_sys(SYS_rt_sigprocmask, SIG_SETMASK, &all, &thread.mask,
	       SIGSET_BYTES);
	if (start->is_exec && is_traced()) {
		live(&thread);
		ret = 0;
	} else {
		ret = make_thread(&thread);
	}
	pw_sys(SYS_rt_sigprocmask, SIG_SETMASK, &thread.mask, NULL,
	       SIGSET_BYTES);
	if (ret < 0)
		start->filter_error = (int)-ret;
	return start->filter_error ? -EACCES : thread.result;
}

/* Have the user told that a program did not run for want of a filter. */
int pw_refuse_unfiltered(const char *path, int error)
{
	struct pw_request request = { .op = PW_OP_BLOCKED,
				      .detail = PW_BLOCKED_FILTER,
				      .number = error };

	pw_request_set_name(&request, path);
	pw_channel_tell(&request);
	return -EACCES;
}
