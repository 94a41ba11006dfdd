/* SPDX-License-Identifier: MIT */
#include "udp.h"

#include "channel.h"
#include "device.h"
#include "servers.h"
#include "sockaddr.h"

enum {
	PW_ASTRAY = 1
};

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

static bool stays_here(const struct pw_addr *dest)
{
	return pw_addr_is_loopback(dest) && dest->port != PW_PORT_DNS_TLS;
}

/*
 * An address that the kernel will refuse may go.
 *
 * Return: 0: it stays on this host, and a name server's has become another one;
 *	PW_ASTRAY: @dest is elsewhere; -errno; the user was told
 */
static int find_way(int fd, struct sockaddr_storage *addr, socklen_t *len,
		    struct pw_addr *dest)
{
	struct pw_addr answering;
	int ret;

	if (!read_dest(domain_of(fd), addr, *len, dest))
		return 0;
	if (pw_has_device(fd))
		return PW_ASTRAY;
	if (dest->port == PW_PORT_DNS) {
		ret = pw_server_find(dest, &answering);
		if (ret == 0)
			*len = (socklen_t)pw_addr_to(&answering, addr);
		return ret;
	}
	return stays_here(dest) ? 0 : PW_ASTRAY;
}

/**
 * pw_udp_way() - Where a datagram goes that is to go to an address
 * @fd: an inet datagram socket
 * @addr: a copy of the application's; another one for a name server's
 * @len: its size, likewise
 *
 * Return: 0, or -ENETUNREACH; the user was told
 */
int pw_udp_way(int fd, struct sockaddr_storage *addr, socklen_t *len)
{
	struct pw_addr dest;
	int ret = find_way(fd, addr, len, &dest);

	if (ret != PW_ASTRAY)
		return ret;
	if (dest.port) /* the kernel sends nothing to port 0 either */
		pw_blocked(PW_BLOCKED_UDP, &dest, NULL);
	return -ENETUNREACH;
}

/**
 * pw_udp_connect() - See to it that a datagram socket may be connected
 * @fd: an inet datagram socket
 * @addr: as for pw_udp_way()
 * @len: likewise
 *
 * connect() sends nothing. Programs connect to an address to see whether there
 * is a route to it, and from which address of this host. So the socket may be
 * connected elsewhere, and is shut down for sending before it is: then the
 * kernel sends nothing, by whatever call and whoever has the socket.
 *
 * Return: 0, or -ENETUNREACH; the user was told
 */
int pw_udp_connect(int fd, struct sockaddr_storage *addr, socklen_t *len)
{
	struct pw_addr dest;
	int ret = find_way(fd, addr, len, &dest);

	if (ret != PW_ASTRAY)
		return ret;
	pw_sys(SYS_shutdown, fd, SHUT_WR); /* says ENOTCONN, and does it */
	pw_mute(fd);
	return 0;
}

/* Note that a socket sends nothing any more, so that a send is told of. */
void pw_mute(int fd)
{
	struct pw_tables *tables = pw_tables_map();

	if (!tables || (unsigned int)fd >= PW_FDS)
		return;
	tables->muted[fd] = true;
	atomic_store(&pw_attention.has_muted, true);
}

/**
 * pw_mute_verdict() - Whether something may be sent to a socket's own peer
 * @fd: a descriptor that pw_is_muted() is true of; this may be out of date
 *
 * Return: 0, or -ENETUNREACH; the user was told
 */
int pw_mute_verdict(int fd)
{
	struct sockaddr_storage addr;
	socklen_t len = sizeof(addr);
	struct pw_addr peer;

	if (!pw_is_inet(fd, SOCK_DGRAM) ||
	    pw_sys(SYS_getpeername, fd, &addr, &len) < 0 ||
	    pw_addr_from(&peer, &addr, len) < 0 || stays_here(&peer))
		return 0;
	pw_blocked(PW_BLOCKED_UDP, &peer, NULL);
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
