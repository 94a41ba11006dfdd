/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "process.h"

#include "../preload/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/**
 * pw_disconnect() - Make a socket unconnected again: connect(AF_UNSPEC)
 * @fd: stays the caller's
 *
 * Return: 0 or -errno
 */
int pw_disconnect(int fd)
{
	struct sockaddr unspec = { .sa_family = AF_UNSPEC };

	return connect(fd, &unspec, sizeof(unspec)) == 0 ? 0 : -errno;
}

/**
 * pw_connect_here() - Connect a socket to one of ours on loopback
 * @fd: stays the caller's
 * @addr: of @len bytes
 *
 * By the kernel's own call: where we run wrapped ourselves that is nobody's
 * affair but ours, and the shim over us would break it off when @fd is closed.
 *
 * Return: 0 or -errno
 */
int pw_connect_here(int fd, const void *addr, unsigned int len)
{
	return (int)pw_sys(SYS_connect, fd, addr, len);
}

/**
 * pw_execute() - execve() by the kernel's own call
 *
 * For one who is under the filter already: the shim of a wrapper that we run
 * under ourselves would ask its helper by calls that nobody answers yet.
 *
 * Return: -errno, if at all
 */
int pw_execute(const char *path, char *const argv[], char *const envp[])
{
	return (int)pw_sys(SYS_execve, path, argv, envp);
}

/**
 * pw_fail_connect() - Leave a socket as a failed connect() leaves it
 * @fd: stays the caller's
 * @addr: where nobody listens, on loopback
 *
 * In one go, so that who polls the socket does not see it in between.
 *
 * Return: 0 or -errno
 */
int pw_fail_connect(int fd, const void *addr, unsigned int len)
{
	const int flags = MSG_FASTOPEN | MSG_DONTWAIT | MSG_NOSIGNAL;
	int error = pw_disconnect(fd), pending;
	socklen_t n = sizeof(pending);

	/* The kernel notes an ECONNRESET for what it has broken off. */
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &pending, &n);
	if (error)
		return error;
	/* Without waiting, or the error would be connect()'s own result. */
	if (!(fcntl(fd, F_GETFL) & O_NONBLOCK) &&
	    (sendto(fd, "", 0, flags, addr, len) == 0 || errno != EOPNOTSUPP))
		return 0;
	if (connect(fd, addr, len) == 0 || errno == EINPROGRESS ||
	    errno == ECONNREFUSED)
		return 0;
	return -errno;
}

/**
 * pw_drop_packets() - Have the kernel drop whatever comes for a socket
 * @fd: stays the caller's
 *
 * Return: 0 or -errno
 */
int pw_drop_packets(int fd)
{
	struct sock_filter none = { .code = BPF_RET | BPF_K, .k = 0 };
	struct sock_fprog filter = { .len = 1, .filter = &none };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter,
			  sizeof(filter)) == 0
		       ? 0
		       : -errno;
}

/* Send a signal to one thread, as the kernel does; returns 0 or -errno. */
int pw_signal_thread(int process, int thread, int signum)
{
	return syscall(SYS_tgkill, process, thread, signum) == 0 ? 0 : -errno;
}

/**
 * pw_become_subreaper() - Have orphaned descendants become our children
 *
 * Return: 0 or -errno
 */
int pw_become_subreaper(void)
{
	return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0 ? 0 : -errno;
}

/**
 * pw_scrub() - Overwrite a secret in our own memory with asterisks
 * @start: the first address, of memory that can be written
 * @end: one past the last
 * @secret: what to look for
 * @n: its length, more than 0
 *
 * Return: how often it was found
 */
int pw_scrub(unsigned long start, unsigned long end, const char *secret,
	     size_t n)
{
	char *at = (char *)start;
	int found = 0;

	while (at < (char *)end &&
	       (at = memmem(at, (size_t)((char *)end - at), secret, n))) {
		memset(at, '*', n);
		at += n;
		found++;
	}
	return found;
}
