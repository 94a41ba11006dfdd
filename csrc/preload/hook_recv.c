/* SPDX-License-Identifier: MIT */
/*
 * The reading family: nothing of a handshake reaches the application, and a
 * DNS answer comes from the server that it asked.
 */
#include "gate.h"
#include "libc.h"
#include "servers.h"
#include "sockaddr.h"

enum {
	MOST_MESSAGES = 1024 /* that the kernel takes at a time: UIO_MAXIOV */
};

ssize_t hook_recv(int fd, void *buf, size_t n, int flags)
{
	PW_GATE_IN(fd, flags);
	return pw_libc.recv(fd, buf, n, flags);
}

/*
 * The three that tell an address, where it may be one that answers in the place
 * of a name server. Apart, so that the hooks stay small.
 */
static ssize_t __attribute__((noinline)) recvfrom_shown(int fd, void *buf,
							size_t n, int flags,
							struct sockaddr *addr,
							socklen_t *len)
{
	socklen_t room;
	ssize_t ret;

	if (!addr || !pw_readable(len, sizeof(*len)))
		return pw_libc.recvfrom(fd, buf, n, flags, addr, len);
	room = *len;
	ret = pw_libc.recvfrom(fd, buf, n, flags, addr, len);
	if (ret >= 0)
		pw_server_show(fd, addr, room, len);
	return ret;
}

static ssize_t __attribute__((noinline))
recvmsg_shown(int fd, struct msghdr *msg, int flags)
{
	socklen_t room;
	ssize_t ret;

	if (!pw_readable(msg, sizeof(*msg)) || !msg->msg_name)
		return pw_libc.recvmsg(fd, msg, flags);
	room = msg->msg_namelen;
	ret = pw_libc.recvmsg(fd, msg, flags);
	if (ret >= 0)
		pw_server_show(fd, msg->msg_name, room, &msg->msg_namelen);
	return ret;
}

static int __attribute__((noinline)) recvmmsg_shown(int fd,
						    struct mmsghdr *msgs,
						    unsigned int n, int flags,
						    struct timespec *timeout)
{
	socklen_t rooms[MOST_MESSAGES];
	int ret;

	if (n > MOST_MESSAGES)
		n = MOST_MESSAGES;
	for (unsigned int i = 0; i < n; i++) {
		if (!pw_readable(&msgs[i], sizeof(msgs[i])))
			break;
		rooms[i] = msgs[i].msg_hdr.msg_namelen;
	}
	ret = pw_libc.recvmmsg(fd, msgs, n, flags, timeout);
	for (int i = 0; i < ret; i++) {
		struct msghdr *msg = &msgs[i].msg_hdr;

		if (msg->msg_name)
			pw_server_show(fd, msg->msg_name, rooms[i],
				       &msg->msg_namelen);
	}
	return ret;
}

ssize_t hook_recvfrom(int fd, void *buf, size_t n, int flags,
		      struct sockaddr *addr, socklen_t *len)
{
	PW_GATE_IN(fd, flags);
	if (pw_has_servers())
		return recvfrom_shown(fd, buf, n, flags, addr, len);
	return pw_libc.recvfrom(fd, buf, n, flags, addr, len);
}

ssize_t hook_recvmsg(int fd, struct msghdr *msg, int flags)
{
	PW_GATE_IN(fd, flags);
	if (pw_has_servers())
		return recvmsg_shown(fd, msg, flags);
	return pw_libc.recvmsg(fd, msg, flags);
}

int hook_recvmmsg(int fd, struct mmsghdr *msgs, unsigned int n, int flags,
		  struct timespec *timeout)
{
	PW_GATE_IN(fd, flags);
	if (pw_has_servers())
		return recvmmsg_shown(fd, msgs, n, flags, timeout);
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
	if (n <= size)
		return hook_recvfrom(fd, buf, n, flags, addr, len);
	/* libc ends the program. */
	return pw_libc.__recvfrom_chk(fd, buf, n, size, flags, addr, len);
}
