/* SPDX-License-Identifier: MIT */
/* libc's other names of hooked functions. */
#include "libc.h"

int hook___connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	return hook_connect(fd, addr, len);
}

ssize_t hook___send(int fd, const void *buf, size_t n, int flags)
{
	return hook_send(fd, buf, n, flags);
}

ssize_t hook___read(int fd, void *buf, size_t n)
{
	return hook_read(fd, buf, n);
}

ssize_t hook___write(int fd, const void *buf, size_t n)
{
	return hook_write(fd, buf, n);
}

int hook___poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
	return hook_poll(fds, n, timeout_ms);
}

int hook___select(int n, fd_set *in, fd_set *out, fd_set *except,
		  struct timeval *timeout)
{
	return hook_select(n, in, out, except, timeout);
}

int hook___close(int fd)
{
	return hook_close(fd);
}

int hook___dup2(int fd, int to)
{
	return hook_dup2(fd, to);
}

int hook___fcntl(int fd, int cmd, long arg)
{
	return hook_fcntl(fd, cmd, arg);
}

FILE *hook__IO_popen(const char *command, const char *mode)
{
	return hook_popen(command, mode);
}

FILE *hook__IO_fdopen(int fd, const char *mode)
{
	return hook_fdopen(fd, mode);
}
