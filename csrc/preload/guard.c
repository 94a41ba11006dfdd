/* SPDX-License-Identifier: MIT */
#include "guard.h"

#include <linux/futex.h>
#include <sys/mman.h>

/* On a page that fork empties: 0 in a child whose memory is its own copy. */
struct owner {
	_Atomic int pid;
};

enum {
	ADOPTING = -1
};

static struct owner fallback; /* where the kernel has no MADV_WIPEONFORK */
static struct owner *_Atomic owner;
static _Atomic uint32_t lock; /* 0 free, 1 held, 2 held and waited for */

static struct owner *map_owner(void)
{
	struct owner *mine, *expected = NULL;
	long page = pw_sys(SYS_mmap, 0, 4096, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	mine = page < 0 && page > -4096 ? &fallback : (struct owner *)page;
	if (mine != &fallback &&
	    pw_sys(SYS_madvise, page, 4096, MADV_WIPEONFORK) < 0) {
		pw_sys(SYS_munmap, page, 4096);
		mine = &fallback;
	}
	if (!atomic_compare_exchange_strong(&owner, &expected, mine)) {
		if (mine != &fallback)
			pw_sys(SYS_munmap, page, 4096);
		return expected;
	}
	return mine;
}

static void acquire(void)
{
	uint32_t seen = 0;

	if (atomic_compare_exchange_strong(&lock, &seen, 1))
		return;
	while (atomic_exchange(&lock, 2) != 0)
		pw_sys(SYS_futex, &lock, FUTEX_WAIT_PRIVATE, 2, NULL);
}

static void release(void)
{
	if (atomic_exchange(&lock, 0) == 2)
		pw_sys(SYS_futex, &lock, FUTEX_WAKE_PRIVATE, 1);
}

/*
 * A fork child has a copy of everything, the lock too, which may have been
 * held by a thread that does not exist here. That it is no vfork child of one
 * that has not adopted yet is the work of hook_clone.c: to ask the kernel, by
 * kcmp(), is death in the sandboxes of browsers.
 */
static void adopt(struct owner *page, int pid)
{
	int expected = 0;

	if (atomic_compare_exchange_strong(&page->pid, &expected, ADOPTING)) {
		atomic_store(&lock, 0);
		atomic_store(&page->pid, pid);
		return;
	}
	while (atomic_load(&page->pid) == ADOPTING)
		pw_sys(SYS_sched_yield);
}

/*
 * Whether this memory is ours, all signals held off. A handler that came while
 * we adopt would wait for ever for what it has interrupted.
 */
static bool is_ours(void)
{
	struct owner *page = atomic_load(&owner);
	int pid = pw_self();

	if (!page)
		page = map_owner();
	if (atomic_load(&page->pid) <= 0)
		adopt(page, pid);
	if (atomic_load(&page->pid) == pid)
		return true;
	if (page != &fallback)
		return false;
	atomic_store(&lock, 0);
	atomic_store(&page->pid, pid);
	return true;
}

/**
 * pw_guard_enter() - Take the lock, with all signals held off
 * @guard: to be given to pw_guard_leave()
 *
 * Return: false, with nothing held, in a vfork child
 * Context: async-signal-safe; waits only for others that cannot block
 */
bool pw_guard_enter(struct pw_guard *guard)
{
	static const uint64_t all = ~0ULL;

	pw_sys(SYS_rt_sigprocmask, SIG_SETMASK, &all, &guard->mask, 8);
	guard->held = is_ours();
	if (guard->held)
		acquire();
	else
		pw_sys(SYS_rt_sigprocmask, SIG_SETMASK, &guard->mask, NULL, 8);
	return guard->held;
}

/* Let go of the lock, if it was taken. */
void pw_guard_leave(struct pw_guard *guard)
{
	if (!guard->held)
		return;
	guard->held = false;
	release();
	pw_sys(SYS_rt_sigprocmask, SIG_SETMASK, &guard->mask, NULL, 8);
}

/* The process id as the kernel knows it; no library's cached copy. */
int pw_self(void)
{
	return (int)pw_sys(SYS_getpid);
}

/*
 * Own the page before there can be a vfork child: one that came first would
 * take itself for the process whose memory it borrows.
 */
void pw_guard_own(void)
{
	PW_GUARD guard = { 0 };

	pw_guard_enter(&guard);
}
