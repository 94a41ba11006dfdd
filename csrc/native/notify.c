/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "notify.h"

#include "../notify/filter.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
	PIDFD_OF_THREAD = 0200, /* O_EXCL; linux/pidfd.h, from Linux 6.9 on */
	NOTICE_BYTES = 256,	/* room for what later kernels add */
};

/* linux/seccomp.h, from Linux 6.6 on */
#define SET_FLAGS SECCOMP_IOW(4, __u64)
#define SYNC_WAKE_UP (1UL << 0)

/* Likewise, from Linux 5.9 on; the flag from 5.14 on */
#define ADD_DESCRIPTOR(what) _IOC(_IOC_WRITE, '!', 3, sizeof(what))
#define ADD_AND_SEND (1UL << 1)

static int result(long ret)
{
	return ret < 0 ? -errno : (int)ret;
}

/**
 * pw_notify_support() - Whether this kernel has what a supervisor needs
 *
 * Return: 0; -ENOSYS: no user notification (Linux 5.5)
 */
int pw_notify_support(void)
{
	const uint32_t action = SECCOMP_RET_USER_NOTIF;

	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) < 0)
		return -ENOSYS;
	return 0;
}

/**
 * pw_notify_wake_in_turn() - Tell the kernel that who calls then waits for us
 *
 * Either side sleeps while the other works, so each had better be woken where
 * the other has just run. Before Linux 6.6 it is not told, and all is slower.
 */
void pw_notify_wake_in_turn(int listener)
{
	ioctl(listener, SET_FLAGS, SYNC_WAKE_UP);
}

/**
 * pw_notify_receive() - Take the next notification
 *
 * Return: 0, or -errno: ENOENT where the program has gone meanwhile
 * Context: waits where there is none; poll(2) first
 */
int pw_notify_receive(int listener, struct pw_notice *out)
{
	union {
		struct seccomp_notif notif;
		char bytes[NOTICE_BYTES];
	} u;

	memset(&u, 0, sizeof(u));
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &u) < 0)
		return -errno;
	*out = (struct pw_notice){
		.id = u.notif.id,
		.thread = (int)u.notif.pid,
		.call = pw_filter_call(u.notif.data.nr),
	};
	for (size_t i = 0; i < 6; i++)
		out->args[i] = u.notif.data.args[i];
	return 0;
}

static int respond(int listener, const struct seccomp_notif_resp *resp)
{
	union {
		struct seccomp_notif_resp resp;
		char bytes[NOTICE_BYTES];
	} u;

	memset(&u, 0, sizeof(u));
	u.resp = *resp;
	return result(ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &u));
}

/**
 * pw_notify_answer() - Have the system call return
 * @value: what it returns, unless
 * @error: an errno, or 0
 *
 * Return: 0, or -errno: ENOENT where nobody waits any more
 */
int pw_notify_answer(int listener, uint64_t id, int64_t value, int error)
{
	struct seccomp_notif_resp resp = { .id = id };

	resp.val = error ? 0 : value;
	resp.error = -error;
	return respond(listener, &resp);
}

/* Have the kernel carry the system call out; returns as pw_notify_answer(). */
int pw_notify_go_on(int listener, uint64_t id)
{
	struct seccomp_notif_resp resp = {
		.id = id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE
	};

	return respond(listener, &resp);
}

/**
 * pw_notify_give() - Have the system call return a descriptor of ours
 * @fd: stays ours, the program gets a duplicate
 * @flags: 0 or O_CLOEXEC
 *
 * Return: as pw_notify_answer(); EMFILE where the program may have no more,
 *	EINVAL before Linux 5.14
 */
int pw_notify_give(int listener, uint64_t id, int fd, int flags)
{
	struct {
		uint64_t id;
		uint32_t flags, srcfd, newfd, newfd_flags;
	} add = { .id = id,
		  .flags = ADD_AND_SEND,
		  .srcfd = (uint32_t)fd,
		  .newfd_flags = (uint32_t)flags };
	int ret = result(ioctl(listener, ADD_DESCRIPTOR(add), &add));

	return ret < 0 ? ret : 0;
}

/* Whether a notification is still waited for: what was read is its own. */
int pw_notify_is_valid(int listener, uint64_t id)
{
	return ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

/**
 * pw_take_descriptor() - A duplicate of another process's descriptor
 * @process: a process or, from Linux 6.9 on, a thread
 *
 * Return: close-on-exec, to be closed; or -errno: EBADF where it has none of
 *	that number, EPERM where it may not be looked into, ESRCH, EINVAL for a
 *	thread that is not the first of its process
 */
int pw_take_descriptor(int process, int fd)
{
	int pidfd = (int)syscall(SYS_pidfd_open, process, PIDFD_OF_THREAD);
	int ret;

	if (pidfd < 0 && errno == EINVAL)
		pidfd = (int)syscall(SYS_pidfd_open, process, 0);
	if (pidfd < 0)
		return -errno;
	ret = result(syscall(SYS_pidfd_getfd, pidfd, fd, 0));
	close(pidfd);
	return ret;
}

/**
 * pw_memory_read() - Copy another process's memory
 * @process: a process or thread
 *
 * Return: how much could be read from the start, or -errno
 */
int64_t pw_memory_read(int process, uint64_t address, void *out, size_t n)
{
	struct iovec ours = { .iov_base = out, .iov_len = n };
	struct iovec theirs = { .iov_base = (void *)(uintptr_t)address,
				.iov_len = n };
	ssize_t ret = process_vm_readv(process, &ours, 1, &theirs, 1, 0);

	return ret < 0 ? -errno : ret;
}

/* The other way round; returns how much was written, or -errno. */
int64_t pw_memory_write(int process, uint64_t address, const void *data,
			size_t n)
{
	struct iovec ours = { .iov_base = (void *)(uintptr_t)data,
			      .iov_len = n };
	struct iovec theirs = { .iov_base = (void *)(uintptr_t)address,
				.iov_len = n };
	ssize_t ret = process_vm_writev(process, &ours, 1, &theirs, 1, 0);

	return ret < 0 ? -errno : ret;
}
