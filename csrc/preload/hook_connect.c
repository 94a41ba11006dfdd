/* SPDX-License-Identifier: MIT */
/* connect, socket, shutdown: where connections begin and are given up. */
#include "bus.h"
#include "channel.h"
#include "epollset.h"
#include "giveup.h"
#include "guard.h"
#include "lend.h"
#include "libc.h"
#include "service.h"
#include "sockaddr.h"
#include "udp.h"

#include <netinet/tcp.h>

enum {
	ORIGINAL = 1,
	MPTCP = 262 /* IPPROTO_MPTCP, which old headers lack */
};

static int option(int fd, int name)
{
	int value = 0;
	socklen_t n = sizeof(value);
	long ret = pw_sys(SYS_getsockopt, fd, SOL_SOCKET, name, &value, &n);

	return ret < 0 ? (int)ret : value;
}

/* What the kernel says before it looks at the address. */
static int kernel_state(int fd)
{
	enum {
		SYN_SENT = 2,
		CLOSED = 7
	};
	uint8_t state = CLOSED;
	socklen_t n = sizeof(state);

	pw_sys(SYS_getsockopt, fd, IPPROTO_TCP, TCP_INFO, &state, &n);
	if (state == CLOSED)
		return 0;
	return state == SYN_SENT ? -EALREADY : -EISCONN;
}

static int connect_tcp(int fd, int domain, const struct sockaddr_storage *addr,
		       size_t len)
{
	struct pw_addr dest;
	size_t least = domain == AF_INET
			       ? sizeof(struct sockaddr_in)
			       : offsetof(struct sockaddr_in6, sin6_scope_id);
	int ret;

	/* The state counts before the address, but for one without family. */
	if (len < sizeof(addr->ss_family))
		return -EINVAL;
	ret = pw_settle_fd(fd);
	if (ret != 1)
		return ret;
	ret = kernel_state(fd);
	if (ret == 0 && len < least)
		ret = -EINVAL;
	if (ret == 0 && addr->ss_family != domain)
		ret = -EAFNOSUPPORT;
	if (ret == 0)
		ret = pw_addr_from(&dest, addr, len);
	if (ret < 0)
		return ret;
	if (dest.port == PW_PORT_DNS_TLS && pw_addr_is_loopback(&dest)) {
		pw_blocked(PW_BLOCKED_DNS, &dest, NULL);
		return -ECONNREFUSED;
	}
	return pw_lend(fd, &dest);
}

static int connect_inet(int fd, int domain, struct sockaddr_storage *addr,
			socklen_t *len)
{
	int type = option(fd, SO_TYPE), protocol = option(fd, SO_PROTOCOL);
	int ret;

	if (*len >= sizeof(sa_family_t) && addr->ss_family == AF_UNSPEC) {
		if (!pw_give_up(fd) && pw_state_of(fd) != PW_LOAN_GIVEN_UP)
			pw_lock_and_forget(fd);
		return ORIGINAL;
	}
	if (type == SOCK_STREAM && protocol == IPPROTO_TCP)
		return connect_tcp(fd, domain, addr, *len);
	if (type != SOCK_DGRAM || protocol != IPPROTO_UDP)
		return -EPERM;
	ret = pw_udp_connect(fd, addr, len);
	return ret == 0 ? ORIGINAL : ret;
}

static int connect_unix(int fd, const struct sockaddr_storage *addr, size_t len)
{
	if (pw_is_bus_path(addr, len))
		pw_bus_mark(fd);
	if (!pw_is_resolver_path(addr, len))
		return ORIGINAL;
	pw_blocked(PW_BLOCKED_RESOLVER, NULL, "a name service's socket");
	return -ECONNREFUSED;
}

int hook_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	struct sockaddr_storage copy;
	int domain = option(fd, SO_DOMAIN);
	int saved = errno, ret;

	if (domain < 0)
		return (int)pw_result(domain);
	ret = pw_copy_sockaddr(&copy, addr, len);
	if (ret == 0) {
		if (domain == AF_INET || domain == AF_INET6)
			ret = connect_inet(fd, domain, &copy, &len);
		else if (domain == AF_UNIX)
			ret = connect_unix(fd, &copy, len);
		else
			ret = ORIGINAL; /* socket() lets no other network in */
	}
	if (ret == ORIGINAL) {
		ret = pw_libc.connect(fd, (const struct sockaddr *)&copy, len);
		if (ret == 0 && domain == AF_UNIX)
			pw_service_tell(fd, &copy, len);
		return ret;
	}
	if (ret == 0)
		errno = saved;
	return (int)pw_result(ret);
}

/*
 * Return: 0, or why a socket of this kind is refused: there is no way for its
 * packets through a chain of proxies.
 */
static int socket_verdict(int domain, int type, int protocol)
{
	enum {
		TYPE_MASK = 0xf
	};

	switch (domain) {
	case AF_UNSPEC:
	case AF_UNIX:
	case AF_NETLINK:
	case AF_ALG:
		return 0;
	case AF_INET:
	case AF_INET6:
		break;
	default:
		return -EPERM;
	}
	if ((type & TYPE_MASK) == SOCK_STREAM)
		return protocol == 0 || protocol == IPPROTO_TCP ||
				       protocol == MPTCP
			       ? 0
			       : -EPERM;
	if ((type & TYPE_MASK) == SOCK_DGRAM)
		return protocol == 0 || protocol == IPPROTO_UDP ? 0 : -EPERM;
	return -EPERM;
}

static int new_socket(int domain, int type, int protocol)
{
	int saved = errno, ret = pw_libc.socket(domain, type, protocol);

	if (pw_unlikely(ret < 0) && errno == EMFILE && pw_is_busy()) {
		errno = saved;
		pw_lock_and_settle_all();
		ret = pw_libc.socket(domain, type, protocol);
	}
	return ret;
}

int hook_socket(int domain, int type, int protocol)
{
	int ret = socket_verdict(domain, type, protocol);

	if (ret < 0) {
		struct pw_addr kind = { .family = (uint16_t)domain,
					.port = (uint16_t)type };

		kind.scope_id = (uint32_t)protocol;
		if (ret == -EPERM)
			pw_blocked(PW_BLOCKED_SOCKET, &kind, NULL);
		return (int)pw_result(ret);
	}
	if (protocol == MPTCP && (domain == AF_INET || domain == AF_INET6))
		protocol = IPPROTO_TCP; /* as MPTCP is to a peer without it */
	ret = new_socket(domain, type, protocol);
	if (ret >= 0 && (unsigned int)ret < PW_FDS) {
		if (pw_mapped()) {
			pw_epoll_is_new(pw_mapped(), ret);
			pw_mapped()->has_twin[ret] = false;
			pw_mapped()->bus_inode[ret] = 0;
			pw_mapped()->muted[ret] = false;
		}
		/* A close that no hook saw left something behind. */
		if (pw_unlikely(pw_slot(ret)))
			pw_lock_and_forget(ret);
	}
	return ret;
}

int hook_shutdown(int fd, int how)
{
	if (how >= SHUT_RD && how <= SHUT_RDWR && pw_loan_in_slot(fd) &&
	    pw_state_of(fd) == PW_LOAN_PENDING && pw_give_up(fd))
		return 0;
	return pw_libc.shutdown(fd, how);
}
