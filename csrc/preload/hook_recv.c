/* SPDX-License-Identifier: MIT */
/*
 * The reading family: nothing of a handshake reaches the application, and a
 * DNS answer comes from the server that it asked.
 */
#include "gate.h"
#include "libc.h"
#include "servers.h"
#include "sockaddr.h"

/* Urgent data is there or not, whatever the state. */
static int check_recv(int flags)
{
	return flags & MSG_OOB ? -EINVAL : PW_GO_ON;
}

PW_GATED(ssize_t, recv, (int fd, void *buf, size_t n, int flags),
	 (fd, buf, n, flags), PW_GATE_IN(fd, flags, check_recv(flags)))

PW_GATED(ssize_t, __recv_chk,
	 (int fd, void *buf, size_t n, size_t size, int flags),
	 (fd, buf, n, size, flags), PW_GATE_IN(fd, flags, check_recv(flags)))

PW_GATED(ssize_t, read, (int fd, void *buf, size_t n), (fd, buf, n),
	 PW_GATE_IN(fd, 0, n ? PW_GO_ON : 0))

PW_GATED(ssize_t, __read_chk, (int fd, void *buf, size_t n, size_t size),
	 (fd, buf, n, size), PW_GATE_IN(fd, 0, n ? PW_GO_ON : 0))

PW_GATED(ssize_t, readv, (int fd, const struct iovec *iov, int n), (fd, iov, n),
	 PW_GATE_IN(fd, 0, pw_check_parts(iov, n, -1)))

PW_GATED(ssize_t, preadv2,
	 (int fd, const struct iovec *iov, int n, off_t offset, int flags),
	 (fd, iov, n, offset, flags),
	 PW_GATE_IN(fd, PW_DONTWAIT(flags), pw_check_parts(iov, n, offset)))

PW_GATED(ssize_t, preadv64v2,
	 (int fd, const struct iovec *iov, int n, off_t offset, int flags),
	 (fd, iov, n, offset, flags),
	 PW_GATE_IN(fd, PW_DONTWAIT(flags), pw_check_parts(iov, n, offset)))

/* Those that tell an address: it may be one that answers in the place of a
 * name server. */
PW_APART static ssize_t recvfrom_shown(int fd, void *buf, size_t n, int flags,
				       struct sockaddr *addr, socklen_t *len)
{
	socklen_t room;
	ssize_t ret;

	PW_GATE_IN(fd, flags, check_recv(flags));
	if (!addr || !pw_readable(len, sizeof(*len)))
		return pw_libc.recvfrom(fd, buf, n, flags, addr, len);
	room = *len;
	ret = pw_libc.recvfrom(fd, buf, n, flags, addr, len);
	if (ret >= 0)
		pw_server_show(fd, addr, room, len);
	return ret;
}

PW_APART static ssize_t recvmsg_shown(int fd, struct msghdr *msg, int flags)
{
	socklen_t room;
	ssize_t ret;

	PW_GATE_IN(fd, flags, pw_check_message(msg, false));
	if (!pw_readable(msg, sizeof(*msg)) || !msg->msg_name)
		return pw_libc.recvmsg(fd, msg, flags);
	room = msg->msg_namelen;
	ret = pw_libc.recvmsg(fd, msg, flags);
	if (ret >= 0)
		pw_server_show(fd, msg->msg_name, room, &msg->msg_namelen);
	return ret;
}

PW_APART static int recvmmsg_shown(int fd, struct mmsghdr *msgs, unsigned int n,
				   int flags, struct timespec *timeout)
{
	socklen_t *rooms;
	int ret;

	PW_GATE_IN(fd, flags, pw_check_messages(msgs, n, timeout));
	if (n > MOST_MESSAGES)
		n = MOST_MESSAGES;
	rooms = __builtin_alloca(n * sizeof(*rooms));
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
	if (pw_is_looked_at())
		return recvfrom_shown(fd, buf, n, flags, addr, len);
	return pw_libc.recvfrom(fd, buf, n, flags, addr, len);
}

ssize_t hook_recvmsg(int fd, struct msghdr *msg, int flags)
{
	if (pw_is_looked_at())
		return recvmsg_shown(fd, msg, flags);
	return pw_libc.recvmsg(fd, msg, flags);
}

int hook_recvmmsg(int fd, struct mmsghdr *msgs, unsigned int n, int flags,
		  struct timespec *timeout)
{
	if (pw_is_looked_at())
		return recvmmsg_shown(fd, msgs, n, flags, timeout);
	return pw_libc.recvmmsg(fd, msgs, n, flags, timeout);
}

ssize_t hook___recvfrom_chk(int fd, void *buf, size_t n, size_t size, int flags,
			    struct sockaddr *addr, socklen_t *len)
{
	if (n <= size)
		return hook_recvfrom(fd, buf, n, flags, addr, len);
	/* libc ends the program. */
	return pw_libc.__recvfrom_chk(fd, buf, n, size, flags, addr, len);
}
