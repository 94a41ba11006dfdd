/* SPDX-License-Identifier: MIT */
/*
 * The life of descriptors: closing and duplicating. Control connections
 * are not the application's: it can neither close nor hit them.
 */
#include "bus.h"
#include "epollset.h"
#include "gate.h"
#include "guard.h"
#include "libc.h"
#include "lifeline.h"
#include "udp.h"

#include <fcntl.h>
#include <linux/close_range.h>

/*
 * What is remembered about a descriptor goes before the descriptor does, or
 * another thread could be given the number in between.
 *
 * Return: false for a control connection
 */
static bool before_close(int fd)
{
	PW_GUARD guard = { 0 };

	if (!pw_guard_enter(&guard))
		return true;
	if (pw_slot(fd) == PW_SLOT_CTL && !pw_lifeline_forget(fd))
		return false;
	pw_set_close(fd);
	pw_before_last_close(fd);
	pw_forget(fd);
	return true;
}

PW_APART static int close_known(int fd)
{
	if (!before_close(fd))
		return (int)pw_result(-EBADF);
	return pw_libc.close(fd);
}

int hook_close(int fd)
{
	if (pw_unlikely(pw_slot(fd)))
		return close_known(fd);
	return pw_libc.close(fd);
}

static int close_part(unsigned int first, unsigned int last, int flags)
{
	return first > last ? 0
			    : (int)pw_sys(SYS_close_range, first, last, flags);
}

/* In the range, everything but the control connections. */
static int close_around(unsigned int first, unsigned int last, int flags)
{
	int ret = 0;

	for (unsigned int fd = first; ret == 0 && fd <= last && fd < PW_FDS;
	     fd++) {
		if (!pw_slot((int)fd))
			continue;
		if ((flags & CLOSE_RANGE_CLOEXEC)
			    ? pw_slot((int)fd) != PW_SLOT_CTL
			    : before_close((int)fd))
			continue;
		if (fd > first)
			ret = close_part(first, fd - 1, flags);
		first = fd + 1;
	}
	return ret ? ret : close_part(first, last, flags);
}

int hook_close_range(unsigned int first, unsigned int last, int flags)
{
	if (first > last)
		return (int)pw_result(-EINVAL);
	return (int)pw_result(close_around(first, last, flags));
}

void hook_closefrom(int first)
{
	unsigned int from = first < 0 ? 0 : (unsigned int)first;
	int saved = errno;

	/* A kernel without close_range() has libc do it in its own way. */
	if (close_around(from, ~0U, 0) == -ENOSYS)
		pw_libc.closefrom(first);
	errno = saved;
}

static void remember_copy(int from, int to)
{
	PW_GUARD guard = { 0 };

	if (!pw_slot(from) || !pw_guard_enter(&guard))
		return;
	pw_loan_dup(from, to);
	pw_set_dup(from, to);
}

/* A pending socket's copy that is beyond the table would be watched by nobody.
 */
static bool is_beyond(int from, int to)
{
	return to >= PW_FDS && pw_is_held(from) &&
	       pw_state_of(from) == PW_LOAN_PENDING;
}

static int copied(int from, int to)
{
	if (to < 0 || to == from)
		return to;
	if (is_beyond(from, to)) {
		pw_sys(SYS_close, to);
		return (int)pw_result(-EMFILE);
	}
	if (pw_unlikely(pw_slot(to)))
		pw_lock_and_forget(to);
	pw_note_twin(from);
	pw_note_twin(to);
	if (pw_on_bus(from))
		pw_bus_mark(to);
	if (pw_is_muted(from))
		pw_mute(to);
	remember_copy(from, to);
	return to;
}

int hook_dup(int fd)
{
	if (pw_slot(fd) == PW_SLOT_CTL)
		return (int)pw_result(-EBADF);
	return copied(fd, pw_libc.dup(fd));
}

/* A copy over a number that we know something about. */
static void make_room(int from, int to)
{
	PW_GUARD guard = { 0 };

	if (from == to || !pw_slot(to) || pw_inode(from) == 0)
		return;
	if (!pw_guard_enter(&guard))
		return;
	pw_before_last_close(to);
	pw_vacate(to);
}

int hook_dup2(int fd, int to)
{
	int ret;

	if (pw_slot(fd) == PW_SLOT_CTL)
		return (int)pw_result(-EBADF);
	if (is_beyond(fd, to))
		return (int)pw_result(-EMFILE);
	make_room(fd, to);
	ret = pw_libc.dup2(fd, to);
	return copied(fd, ret);
}

int hook_dup3(int fd, int to, int flags)
{
	int ret;

	if (pw_slot(fd) == PW_SLOT_CTL)
		return (int)pw_result(-EBADF);
	if (is_beyond(fd, to))
		return (int)pw_result(-EMFILE);
	make_room(fd, to);
	ret = pw_libc.dup3(fd, to, flags);
	return copied(fd, ret);
}

static int copied_by(int (*fcntl_)(int, int, long), int fd, int cmd, long arg)
{
	return copied(fd, fcntl_(fd, cmd, arg));
}

int hook_fcntl(int fd, int cmd, long arg)
{
	if (pw_unlikely(cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC))
		return copied_by(pw_libc.fcntl, fd, cmd, arg);
	return pw_libc.fcntl(fd, cmd, arg);
}

int hook_fcntl64(int fd, int cmd, long arg)
{
	if (pw_unlikely(cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC))
		return copied_by(pw_libc.fcntl64, fd, cmd, arg);
	return pw_libc.fcntl64(fd, cmd, arg);
}
