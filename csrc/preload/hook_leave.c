/* SPDX-License-Identifier: MIT */
/*
 * unshare, setns, and clone by its number: whoever leaves the network
 * namespace keeps a connection to the helper.
 */
#include "leave.h"
#include "libc.h"
#include "lifeline.h"
#include "sockaddr.h"

#include <linux/nsfs.h>
#include <sched.h>
#include <sys/syscall.h>

/* The last words of a call: what was kept for it goes with its failure. */
static int left(int ret, bool is_new)
{
	int saved = errno;

	if (ret < 0 && is_new)
		pw_lifeline_drop();
	errno = saved;
	return ret;
}

int hook_unshare(int flags)
{
	bool is_new = (flags & CLONE_NEWNET) && pw_lifeline_keep();

	return left(pw_libc.unshare(flags), is_new);
}

static bool leads_elsewhere(int fd, int kind)
{
	if (!kind)
		kind = (int)pw_sys(SYS_ioctl, fd, NS_GET_NSTYPE);
	return kind > 0 && (kind & CLONE_NEWNET);
}

int hook_setns(int fd, int kind)
{
	bool is_new = leads_elsewhere(fd, kind) && pw_lifeline_keep();

	return left(pw_libc.setns(fd, kind), is_new);
}

/*
 * What has the parent's stack must not come back over a frame of ours, so a
 * child that shares its memory is left to libc, with what was kept.
 */
static bool clone_call(long nr, const long v[6], uint64_t flags, uint64_t stack,
		       long *ret)
{
	bool is_new;

	if (!(flags & CLONE_NEWNET))
		return false;
	is_new = pw_lifeline_keep();
	if ((flags & CLONE_VM) || stack)
		return false;
	*ret = pw_libc.syscall(nr, v[0], v[1], v[2], v[3], v[4], v[5]);
	if (*ret != 0 && is_new) { /* the child has a copy */
		int saved = errno;

		pw_lifeline_drop();
		errno = saved;
	}
	return true;
}

/* What clone3(2) is given; what is behind that does not concern us. */
struct wanted {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack;
};

/**
 * pw_leave_call() - Carry a system call out that may leave the namespace
 * @nr: its number
 * @v: its arguments
 * @ret: what it returns
 *
 * Return: false where it is none of these, and still to be carried out
 */
bool pw_leave_call(long nr, const long v[6], long *ret)
{
	const struct wanted *wanted = (const struct wanted *)(uintptr_t)v[0];

	switch (nr) {
	case SYS_unshare:
		*ret = hook_unshare((int)v[0]);
		return true;
	case SYS_setns:
		*ret = hook_setns((int)v[0], (int)v[1]);
		return true;
	case SYS_clone:
		return clone_call(nr, v, (uint64_t)v[0], (uint64_t)v[1], ret);
	case SYS_clone3:
		return pw_readable(wanted, sizeof(*wanted)) &&
		       clone_call(nr, v, wanted->flags, wanted->stack, ret);
	default:
		return false;
	}
}
