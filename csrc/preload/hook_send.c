/* SPDX-License-Identifier: MIT */
/*
 * The writing family: nothing of the application's enters a handshake, a
 * MSG_FASTOPEN connects through the chain, a datagram goes nowhere but to this
 * host, and nothing to a resolver on the system bus.
 */
#include "bus.h"
#include "channel.h"
#include "device.h"
#include "gate.h"
#include "libc.h"
#include "sockaddr.h"
#include "udp.h"

/*
 * An address in a send is a destination for datagrams and, with MSG_FASTOPEN,
 * for TCP. TCP ignores it otherwise. A name server's becomes another one.
 *
 * Return: 0: send on; 1: send on to @to, which is @to_len bytes, 0 for none,
 *	without MSG_FASTOPEN; -errno
 */
static int before_send_to(int fd, const void *addr, socklen_t len, int flags,
			  struct sockaddr_storage *to, socklen_t *to_len)
{
	int ret;

	*to_len = 0;

	if (pw_is_inet(fd, SOCK_STREAM)) {
		if (!(flags & MSG_FASTOPEN))
			return 1;
		ret = hook_connect(fd, addr, len);
		return ret < 0 ? -errno : 1;
	}
	if (!pw_is_inet(fd, SOCK_DGRAM) || len == 0)
		return 0; /* the kernel wants an address whole */
	ret = pw_copy_sockaddr(to, addr, len);
	if (ret < 0)
		return ret;
	*to_len = len;
	ret = pw_udp_way(fd, to, to_len);
	return ret < 0 ? ret : 1;
}

PW_APART static ssize_t send_seen(int fd, const void *buf, size_t n, int flags)
{
	PW_GATE_OUT(fd, flags, PW_GO_ON);
	PW_GATE_BUS(fd, pw_bus_verdict(fd, buf, n));
	PW_GATE_MUTED(fd);
	return pw_libc.send(fd, buf, n, flags);
}

ssize_t hook_send(int fd, const void *buf, size_t n, int flags)
{
	if (pw_is_looked_at())
		return send_seen(fd, buf, n, flags);
	return pw_libc.send(fd, buf, n, flags);
}

PW_APART static ssize_t sendto_seen(int fd, const void *buf, size_t n,
				    int flags, const struct sockaddr *addr,
				    socklen_t len)
{
	struct sockaddr_storage to;
	socklen_t to_len;

	PW_GATE_OUT(fd, flags, pw_check_address(addr, len));
	PW_GATE_BUS(fd, pw_bus_verdict(fd, buf, n));
	if (!addr)
		PW_GATE_MUTED(fd);
	if (addr) {
		int ret = before_send_to(fd, addr, len, flags, &to, &to_len);

		if (ret < 0)
			return pw_result(ret);
		if (ret > 0) {
			flags &= ~MSG_FASTOPEN;
			addr = to_len ? (struct sockaddr *)&to : NULL;
			len = to_len;
		}
	}
	return pw_libc.sendto(fd, buf, n, flags, addr, len);
}

ssize_t hook_sendto(int fd, const void *buf, size_t n, int flags,
		    const struct sockaddr *addr, socklen_t len)
{
	if (pw_is_looked_at() || addr)
		return sendto_seen(fd, buf, n, flags, addr, len);
	return pw_libc.sendto(fd, buf, n, flags, addr, len);
}

/* One that is pending looks writable to a receiver that knows nothing of it. */
static void settle_passed(const struct msghdr *msg)
{
	struct msghdr head = *msg;

	if (!pw_is_busy() || !pw_has_control(msg))
		return;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&head); c;
	     c = CMSG_NXTHDR(&head, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = CMSG_LEN(0); at + sizeof(int) <= c->cmsg_len;
		     at += sizeof(int)) {
			int fd;

			memcpy(&fd, (char *)c + at, sizeof(fd));
			pw_await(fd);
		}
	}
}

/*
 * Return: 0: send msg; 1: send *other, which goes to @to or has no address;
 *	-errno
 */
static int before_sendmsg(int fd, const struct msghdr *msg, int flags,
			  struct msghdr *other, struct sockaddr_storage *to)
{
	socklen_t to_len;
	int ret = 0;

	if (!pw_readable(msg, sizeof(*msg)))
		return 0; /* the kernel says EFAULT */
	settle_passed(msg);
	if (pw_names_device(msg) && pw_is_inet(fd, SOCK_DGRAM)) {
		pw_blocked(PW_BLOCKED_WAY, NULL,
			   "a datagram by a device or a route of its own");
		return -ENETUNREACH;
	}
	if (pw_on_bus(fd))
		ret = pw_bus_verdict_v(fd, msg->msg_iov, msg->msg_iovlen);
	if (ret == 0 && msg->msg_name && msg->msg_namelen)
		/* The kernel cuts off what is too long, here but not in
		 * sendto(). */
		ret = before_send_to(fd, msg->msg_name,
				     msg->msg_namelen < sizeof(*to)
					     ? msg->msg_namelen
					     : sizeof(*to),
				     flags, to, &to_len);
	else if (ret == 0 && pw_is_muted(fd))
		ret = pw_mute_verdict(fd);
	if (ret > 0) {
		*other = *msg;
		other->msg_name = to_len ? to : NULL;
		other->msg_namelen = to_len;
	}
	return ret;
}

PW_APART static ssize_t sendmsg_seen(int fd, const struct msghdr *msg,
				     int flags)
{
	struct sockaddr_storage to;
	struct msghdr other;
	int ret;

	PW_GATE_OUT(fd, flags, pw_check_message(msg, true));
	ret = before_sendmsg(fd, msg, flags, &other, &to);
	if (ret < 0)
		return pw_result(ret);
	return pw_libc.sendmsg(fd, ret ? &other : msg,
			       ret ? flags & ~MSG_FASTOPEN : flags);
}

ssize_t hook_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	/* Without a destination and ancillary data, as most are. */
	if (pw_likely(pw_is_near(msg, sizeof(*msg)) && !msg->msg_name &&
		      !msg->msg_control) &&
	    !pw_is_looked_at())
		return pw_libc.sendmsg(fd, msg, flags);
	return sendmsg_seen(fd, msg, flags);
}

/* One by one: each message may have its own address. */
int hook_sendmmsg(int fd, struct mmsghdr *msgs, unsigned int n, int flags)
{
	unsigned int done;

	if (n > MOST_MESSAGES)
		n = MOST_MESSAGES;
	for (done = 0; done < n; done++) {
		ssize_t sent;

		if (!pw_readable(&msgs[done], sizeof(msgs[done])))
			return done ? (int)done : (int)pw_result(-EFAULT);
		sent = hook_sendmsg(fd, &msgs[done].msg_hdr, flags);
		if (sent < 0)
			return done ? (int)done : -1;
		msgs[done].msg_len = (unsigned int)sent;
	}
	return (int)done;
}

PW_APART static ssize_t write_seen(int fd, const void *buf, size_t n)
{
	PW_GATE_OUT(fd, 0, PW_GO_ON);
	PW_GATE_BUS(fd, pw_bus_verdict(fd, buf, n));
	PW_GATE_MUTED(fd);
	return pw_libc.write(fd, buf, n);
}

ssize_t hook_write(int fd, const void *buf, size_t n)
{
	if (pw_is_looked_at())
		return write_seen(fd, buf, n);
	return pw_libc.write(fd, buf, n);
}

PW_APART static ssize_t writev_seen(int fd, const struct iovec *iov, int n)
{
	PW_GATE_OUT(fd, 0, pw_check_parts(iov, n, -1));
	PW_GATE_BUS(fd, pw_bus_verdict_v(fd, iov, n > 0 ? (size_t)n : 0));
	PW_GATE_MUTED(fd);
	return pw_libc.writev(fd, iov, n);
}

ssize_t hook_writev(int fd, const struct iovec *iov, int n)
{
	if (pw_is_looked_at())
		return writev_seen(fd, iov, n);
	return pw_libc.writev(fd, iov, n);
}

PW_APART static ssize_t
pwritev2_seen(ssize_t (*original)(int, const struct iovec *, int, off_t, int),
	      int fd, const struct iovec *iov, int n, off_t offset, int flags)
{
	PW_GATE_OUT(fd, PW_DONTWAIT(flags), pw_check_parts(iov, n, offset));
	PW_GATE_BUS(fd, pw_bus_verdict_v(fd, iov, n > 0 ? (size_t)n : 0));
	PW_GATE_MUTED(fd);
	return original(fd, iov, n, offset, flags);
}

ssize_t hook_pwritev2(int fd, const struct iovec *iov, int n, off_t offset,
		      int flags)
{
	if (pw_is_looked_at())
		return pwritev2_seen(pw_libc.pwritev2, fd, iov, n, offset,
				     flags);
	return pw_libc.pwritev2(fd, iov, n, offset, flags);
}

ssize_t hook_pwritev64v2(int fd, const struct iovec *iov, int n, off_t offset,
			 int flags)
{
	if (pw_is_looked_at())
		return pwritev2_seen(pw_libc.pwritev64v2, fd, iov, n, offset,
				     flags);
	return pw_libc.pwritev64v2(fd, iov, n, offset, flags);
}
