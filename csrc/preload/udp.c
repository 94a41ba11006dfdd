/* SPDX-License-Identifier: MIT */
#include "udp.h"

#include "channel.h"
#include "sockaddr.h"

/**
 * pw_udp_may_go() - Whether a datagram may go to an address
 * @addr: a copy of the application's
 * @len: its size
 *
 * A refusal is reported. An address that the kernel will refuse may go.
 */
bool pw_udp_may_go(const struct sockaddr_storage *addr, size_t len)
{
	struct pw_addr dest;

	if (pw_addr_from(&dest, addr, len) < 0)
		return dest.family != AF_INET && dest.family != AF_INET6;
	if (pw_addr_is_loopback(&dest) && !pw_addr_is_name_service(&dest))
		return true;
	pw_blocked(PW_BLOCKED_UDP, &dest, NULL);
	return false;
}

/* Whether a descriptor is an inet socket of a type. */
bool pw_is_inet(int fd, int type)
{
	int domain = 0, found = 0;
	socklen_t n = sizeof(domain);

	if (pw_sys(SYS_getsockopt, fd, SOL_SOCKET, SO_DOMAIN, &domain, &n) < 0)
		return false;
	n = sizeof(found);
	if (pw_sys(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, &found, &n) < 0)
		return false;
	return (domain == AF_INET || domain == AF_INET6) && found == type;
}
