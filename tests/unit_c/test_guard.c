/* SPDX-License-Identifier: MIT */
// sources: csrc/preload/guard.c -pthread
#include <pthread.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

/* Before the names are poisoned. */
static void end(int status)
{
	_exit(status);
}

static void start(pthread_t *thread, void *(*body)(void *), void *argument)
{
	pthread_create(thread, NULL, body, argument);
}

#include "preload/guard.h"

enum {
	THREADS = 8,
	TIMES = 20000
};

static long counter, signals;
static volatile sig_atomic_t is_held;

static int enter_and_leave(void)
{
	struct pw_guard guard;

	if (!pw_guard_enter(&guard))
		return 0;
	pw_guard_leave(&guard);
	pw_guard_leave(&guard);
	return 1;
}

static void on_signal(int number)
{
	struct pw_guard guard;

	(void)number;
	signals++;
	if (is_held)
		counter = -1000000;
	if (pw_guard_enter(&guard))
		pw_guard_leave(&guard);
}

static void *count(void *unused)
{
	for (int i = 0; i < TIMES; i++) {
		PW_GUARD guard = { 0 };

		if (pw_guard_enter(&guard))
			counter++;
	}
	return unused;
}

static void test_threads(void)
{
	pthread_t threads[THREADS];

	counter = 0;
	for (int i = 0; i < THREADS; i++)
		start(&threads[i], count, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	is(counter, THREADS * TIMES, "one at a time");
}

static void test_signals(void)
{
	sigset_t before, during, after;
	struct pw_guard guard;

	signal(SIGUSR1, on_signal);
	counter = signals = 0;
	sigemptyset(&before);
	sigaddset(&before, SIGUSR2);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	ok(pw_guard_enter(&guard), "held");
	is_held = 1;
	raise(SIGUSR1);
	is(signals, 0, "no signal while it is held");
	pthread_sigmask(SIG_SETMASK, NULL, &during);
	ok(sigismember(&during, SIGINT) && sigismember(&during, SIGUSR2),
	   "all are held off");
	is_held = 0;
	pw_guard_leave(&guard);
	is(signals, 1, "it comes afterwards");
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	ok(!sigismember(&after, SIGINT) && sigismember(&after, SIGUSR2),
	   "the mask is as it was");
	is(counter, 0, "and its handler may take the lock");
}

static void test_fork(void)
{
	struct pw_guard guard;
	int status;
	pid_t child;

	ok(pw_guard_enter(&guard), "held");
	child = fork();
	if (child == 0) {
		sigset_t mask;

		/* The copy of a lock that nobody here holds. */
		alarm(10);
		sigemptyset(&mask);
		pthread_sigmask(SIG_SETMASK, &mask, NULL);
		end(enter_and_leave() && enter_and_leave() ? 7 : 8);
	}
	pw_guard_leave(&guard);
	waitpid(child, &status, 0);
	is(status, 7 << 8,
	   "a fork child takes its copy over, though its parent holds the "
	   "lock");
	ok(enter_and_leave(), "the parent goes on");
}

static void test_vfork(void)
{
	int status;
	pid_t child = vfork();

	if (child == 0)
		end(enter_and_leave() ? 8 : 7);
	waitpid(child, &status, 0);
	is(status, 7 << 8,
	   "a vfork child is told that the memory is not its own");
	ok(enter_and_leave(), "and its parent goes on");
}

static void test_generations(void)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		pid_t grandchild = enter_and_leave() ? vfork() : -1;

		if (grandchild == 0)
			end(enter_and_leave() ? 8 : 7);
		waitpid(grandchild, &status, 0);
		if (status != 7 << 8)
			end(1);
		grandchild = fork();
		if (grandchild == 0)
			end(enter_and_leave() ? 7 : 8);
		waitpid(grandchild, &status, 0);
		end(status == 7 << 8 && enter_and_leave() ? 7 : 8);
	}
	waitpid(child, &status, 0);
	is(status, 7 << 8, "the same for children of a child");
}

static void test_vfork_before_use(void)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		/* As hook_clone.c has it where fork was not seen. */
		pid_t grandchild;

		pw_guard_own();
		grandchild = vfork();
		if (grandchild == 0) {
			enter_and_leave();
			end(0);
		}
		waitpid(grandchild, &status, 0);
		end(enter_and_leave() ? 7 : 8);
	}
	waitpid(child, &status, 0);
	is(status, 7 << 8,
	   "a grandchild that came first does not take the table from its "
	   "parent");
}

static void *fork_on(void *unused)
{
	int status, *wrong = unused;

	for (int i = 0; i < 50; i++) {
		pid_t child = fork();

		if (child == 0) {
			alarm(10);
			end(enter_and_leave() ? 7 : 8);
		}
		waitpid(child, &status, 0);
		*wrong += status != 7 << 8;
	}
	return NULL;
}

static void test_fork_storm(void)
{
	pthread_t threads[THREADS];
	int wrong[THREADS] = { 0 }, all = 0;

	for (int i = 0; i < THREADS; i++)
		start(&threads[i], i % 2 ? count : fork_on, &wrong[i]);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		all += i % 2 ? 0 : wrong[i];
	}
	is(all, 0, "no child hangs or fails while others hold the lock");
}

/* Spins for ever where something is wrong, and is ended for that. */
static void first_look(void)
{
	struct rlimit limit = { 1, 1 };

	setrlimit(RLIMIT_CPU, &limit);
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	raise(SIGSTOP);
	enter_and_leave();
	pw_sys(SYS_exit_group, 0); /* few steps: ld.so has no part in it */
}

/*
 * Whether a child whose first look is interrupted after so many instructions
 * ends; -1 where it has fewer.
 */
static int ends_if_interrupted_after(int steps)
{
	pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	int status = 0, i = 0;

	if (child == 0)
		first_look();
	waitpid(child, &status, 0);
	for (; i < steps && WIFSTOPPED(status); i++) {
		ptrace(PTRACE_SINGLESTEP, child, NULL, NULL);
		waitpid(child, &status, 0);
	}
	if (!WIFSTOPPED(status))
		return -1;
	/* One that is held off is told of once more when it comes. */
	for (long number = SIGUSR1; WIFSTOPPED(status);
	     number = WSTOPSIG(status)) {
		ptrace(PTRACE_CONT, child, NULL, (void *)number);
		waitpid(child, &status, 0);
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void test_first_look_interrupted(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	int steps = 0, stuck = 0, ends;

	sigaction(SIGUSR1, &action, NULL);
	while ((ends = ends_if_interrupted_after(steps)) >= 0 && stuck < 5) {
		stuck += !ends;
		steps++;
	}
	ok(steps > 50, "a child's first look takes some steps: %d", steps);
	is(stuck, 0, "it ends wherever a signal interrupts it");
}

int main(void)
{
	is(pw_self(), getpid(), "the process id");
	ok(enter_and_leave(), "taken and left, twice");
	test_threads();
	test_signals();
	test_fork();
	test_vfork();
	test_generations();
	test_vfork_before_use();
	test_fork_storm();
	test_first_look_interrupted();
	return tap_end();
}
