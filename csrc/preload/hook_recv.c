/* SPDX-License-Identifier: MIT */
/* The reading family: nothing of a handshake reaches the application. */
#include "gate.h"
#include "libc.h"

ssize_t hook_recv(int fd, void *buf, size_t n, int flags)
{
	PW_GATE_IN(fd, flags);
	return pw_libc.recv(fd, buf, n, flags);
}

ssize_t hook_recvfrom(int fd, void *buf, size_t n, int flags,
		      struct sockaddr *addr, socklen_t *len)
{
	PW_GATE_IN(fd, flags);
	return pw_libc.recvfrom(fd, buf, n, flags, addr, len);
}

ssize_t hook_recvmsg(int fd, struct msghdr *msg, int flags)
{
	PW_GATE_IN(fd, flags);
	return pw_libc.recvmsg(fd, msg, flags);
}

int hook_recvmmsg(int fd, struct mmsghdr *msgs, unsigned int n, int flags,
		  struct timespec *timeout)
{
	PW_GATE_IN(fd, flags);
	return pw_libc.recvmmsg(fd, msgs, n, flags, timeout);
}

ssize_t hook_read(int fd, void *buf, size_t n)
{
	PW_GATE_IN(fd, 0);
	return pw_libc.read(fd, buf, n);
}

ssize_t hook_readv(int fd, const struct iovec *iov, int n)
{
	PW_GATE_IN(fd, 0);
	return pw_libc.readv(fd, iov, n);
}

ssize_t hook_preadv2(int fd, const struct iovec *iov, int n, off_t offset,
		     int flags)
{
	PW_GATE_IN(fd, 0);
	return pw_libc.preadv2(fd, iov, n, offset, flags);
}

ssize_t hook_preadv64v2(int fd, const struct iovec *iov, int n, off_t offset,
			int flags)
{
	PW_GATE_IN(fd, 0);
	return pw_libc.preadv64v2(fd, iov, n, offset, flags);
}

ssize_t hook___read_chk(int fd, void *buf, size_t n, size_t size)
{
	PW_GATE_IN(fd, 0);
	return pw_libc.__read_chk(fd, buf, n, size);
}

ssize_t hook___recv_chk(int fd, void *buf, size_t n, size_t size, int flags)
{
	PW_GATE_IN(fd, flags);
	return pw_libc.__recv_chk(fd, buf, n, size, flags);
}

ssize_t hook___recvfrom_chk(int fd, void *buf, size_t n, size_t size, int flags,
			    struct sockaddr *addr, socklen_t *len)
{
	PW_GATE_IN(fd, flags);
	return pw_libc.__recvfrom_chk(fd, buf, n, size, flags, addr, len);
}
