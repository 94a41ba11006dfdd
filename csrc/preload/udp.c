/* SPDX-License-Identifier: MIT */
#include "udp.h"

#include "channel.h"
#include "device.h"
#include "servers.h"
#include "sockaddr.h"

static int domain_of(int fd)
{
	int domain = 0;
	socklen_t n = sizeof(domain);

	pw_sys(SYS_getsockopt, fd, SOL_SOCKET, SO_DOMAIN, &domain, &n);
	return domain;
}

/*
 * What the kernel takes an address for: a send of an IPv4 socket reads one of
 * no family as IPv4, and IPv4 is mapped on an IPv6 socket.
 *
 * Return: whether it takes it at all
 */
static bool read_dest(int domain, const struct sockaddr_storage *addr,
		      size_t len, struct pw_addr *out)
{
	struct sockaddr_storage copy = *addr;

	if (domain == AF_INET && copy.ss_family == AF_UNSPEC)
		copy.ss_family = AF_INET;
	if (pw_addr_from(out, &copy, len) < 0 ||
	    (domain == AF_INET && out->family != AF_INET))
		return false;
	if (domain == AF_INET6 && out->family == AF_INET) {
		memcpy(out->ip + 12, out->ip, 4);
		memset(out->ip, 0, 10);
		memset(out->ip + 10, 0xff, 2);
		out->family = AF_INET6;
	}
	return true;
}

/**
 * pw_udp_way() - Where a datagram goes that is to go to an address
 * @fd: an inet datagram socket
 * @addr: a copy of the application's; another one for a name server's
 * @len: its size, likewise
 *
 * A refusal is reported, unless nobody would miss anything. An address that the
 * kernel will refuse may go.
 *
 * Return: 0, or -ENETUNREACH
 */
int pw_udp_way(int fd, struct sockaddr_storage *addr, socklen_t *len)
{
	struct pw_addr dest, answering;
	int ret;

	if (!read_dest(domain_of(fd), addr, *len, &dest))
		return 0;
	if (pw_has_device(fd)) {
		pw_blocked(PW_BLOCKED_UDP, &dest, NULL);
		return -ENETUNREACH;
	}
	if (dest.port == PW_PORT_DNS) {
		ret = pw_server_find(&dest, &answering);
		if (ret == 0)
			*len = (socklen_t)pw_addr_to(&answering, addr);
		return ret;
	}
	if (pw_addr_is_loopback(&dest) && dest.port != PW_PORT_DNS_TLS)
		return 0;
	/* To port 0 nothing is sent: who connects to it asks for a route, as
	 * resolvers do to sort addresses. */
	if (dest.port)
		pw_blocked(PW_BLOCKED_UDP, &dest, NULL);
	return -ENETUNREACH;
}

/* Whether a descriptor is an inet socket of a type. */
bool pw_is_inet(int fd, int type)
{
	int domain = domain_of(fd), found = 0;
	socklen_t n = sizeof(found);

	if (domain != AF_INET && domain != AF_INET6)
		return false;
	if (pw_sys(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, &found, &n) < 0)
		return false;
	return found == type;
}
