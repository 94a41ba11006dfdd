/* SPDX-License-Identifier: MIT */
/**
 * DOC: A connection that is kept
 *
 * The control socket's abstract name is known in one network namespace, its
 * path in one root, and a sandbox leaves both. So a process that is about to
 * leave its network namespace keeps a connection until it executes something.
 * New ones are made over it: the helper is sent one end of a pair of sockets,
 * which it serves as one that it has accepted. Nothing is answered on the kept
 * one itself, so children may share it.
 */
#include "lifeline.h"

#include "channel.h"
#include "fdtable.h"

#include <fcntl.h>

static _Atomic int kept = -1;
static uint64_t inode; /* a program may close what it does not know of */

/* The connection, -1 for none. */
static int lifeline(void)
{
	int fd = atomic_load(&kept);

	return fd >= 0 && pw_inode(fd) == inode ? fd : -1;
}

/* Whether there is a connection that is kept. */
bool pw_lifeline_is_kept(void)
{
	return pw_unlikely(atomic_load_explicit(&kept, memory_order_relaxed) >=
			   0) &&
	       lifeline() >= 0;
}

static void take(int fd)
{
	inode = pw_inode(fd);
	pw_slot_set(fd, PW_SLOT_CTL);
	atomic_store(&kept, fd);
}

/**
 * pw_lifeline_keep() - Keep a connection from now on
 *
 * Return: whether it is a new one; false where there is one already, and where
 *	the helper cannot be reached
 */
bool pw_lifeline_keep(void)
{
	struct pw_request request = { .op = PW_OP_KEEP };
	int fd;

	if (lifeline() >= 0)
		return false;
	fd = pw_channel_open(true);
	if (fd < 0)
		return false;
	if (pw_channel_send(fd, &request, -1) < 0) {
		pw_sys(SYS_close, fd);
		return false;
	}
	take(fd);
	return true;
}

/* Keep it no longer. */
void pw_lifeline_drop(void)
{
	int fd = lifeline();

	atomic_store(&kept, -1);
	if (fd < 0)
		return;
	pw_slot_set(fd, PW_SLOT_NONE);
	pw_sys(SYS_close, fd);
}

/* Return: whether a number that stood for it is the application's by now */
bool pw_lifeline_forget(int fd)
{
	if (atomic_load(&kept) != fd || pw_inode(fd) == inode)
		return false;
	atomic_store(&kept, -1);
	pw_slot_set(fd, PW_SLOT_NONE);
	return true;
}

/**
 * pw_lifeline_move() - Make room for the application's own use of a number
 *
 * Return: whether it was the connection's
 */
bool pw_lifeline_move(int fd)
{
	int to;

	if (atomic_load(&kept) != fd)
		return false;
	to = (int)pw_sys(SYS_fcntl, fd, F_DUPFD_CLOEXEC, fd + 1);
	pw_slot_set(fd, PW_SLOT_NONE);
	if (to >= 0)
		take(to);
	else
		atomic_store(&kept, -1);
	return true;
}

/* Return: 0 or -errno */
static int send_end(int fd, int end, bool may_block)
{
	struct pollfd one = { .fd = fd, .events = POLLOUT };
	int ret;

	for (;;) {
		struct pw_request request = { .op = PW_OP_KEEP };

		ret = pw_channel_send(fd, &request, end);
		if (ret != -EAGAIN || !may_block)
			break;
		pw_sys(SYS_ppoll, &one, 1, NULL, NULL, 0);
	}
	return ret == 0 || ret == -EAGAIN ? ret : -ECONNREFUSED;
}

/**
 * pw_lifeline_open() - Make a new connection over the one that is kept
 * @type: as for socket(2)
 * @may_block: wait where the helper has much to do, instead of -EAGAIN
 *
 * Return: a descriptor, or -errno; -ECONNREFUSED where none is kept
 */
int pw_lifeline_open(int type, bool may_block)
{
	int fd, ends[2], ret;

	if (!pw_lifeline_is_kept())
		return -ECONNREFUSED;
	fd = lifeline();
	ret = (int)pw_sys(SYS_socketpair, AF_UNIX, type, 0, ends);
	if (ret < 0)
		return ret;
	ret = send_end(fd, ends[1], may_block);
	pw_sys(SYS_close, ends[1]);
	if (ret == 0)
		return ends[0];
	pw_sys(SYS_close, ends[0]);
	return ret;
}
