/* SPDX-License-Identifier: MIT */
#include "device.h"

#include "arguments.h"
#include "channel.h"
#include "sockaddr.h"

#include <arpa/inet.h>

enum {
	LOOPBACK_INDEX = 1, /* in every network namespace */
	UNICAST_IF = 50,    /* IP_UNICAST_IF, linux/in.h */
	UNICAST_IF_6 = 76,  /* IPV6_UNICAST_IF, linux/in6.h */
	OLD_PKTINFO = 2,    /* IPV6_2292PKTINFO, likewise */
	OLD_RTHDR = 5,	    /* IPV6_2292RTHDR */
	OLD_OPTIONS = 6,    /* IPV6_2292PKTOPTIONS */
};

static bool has_index(int fd, int level, int name)
{
	uint32_t index = 0;
	socklen_t n = sizeof(index);

	if (pw_sys(SYS_getsockopt, fd, level, name, &index, &n) < 0)
		return false;
	return index != 0 && ntohl(index) != LOOPBACK_INDEX;
}

/**
 * pw_has_device() - Whether what a socket sends leaves by a certain device
 * @fd: an inet socket
 */
bool pw_has_device(int fd)
{
	char device[16 + 1] = {
		0
	}; /* IFNAMSIZ, of which nothing less will do */
	socklen_t n = sizeof(device) - 1;

	if (pw_sys(SYS_getsockopt, fd, SOL_SOCKET, SO_BINDTODEVICE, device,
		   &n) == 0 &&
	    device[0] && strcmp(device, "lo") != 0)
		return true;
	return has_index(fd, IPPROTO_IP, UNICAST_IF) ||
	       has_index(fd, IPPROTO_IPV6, UNICAST_IF_6);
}

static bool is_elsewhere(const struct cmsghdr *c)
{
	struct in_pktinfo info = { 0 };
	struct in6_pktinfo info6 = { 0 };

	if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
		memcpy(&info, CMSG_DATA(c), sizeof(info));
		return info.ipi_ifindex && info.ipi_ifindex != LOOPBACK_INDEX;
	}
	if (c->cmsg_level == IPPROTO_IPV6 &&
	    (c->cmsg_type == IPV6_PKTINFO || c->cmsg_type == OLD_PKTINFO)) {
		memcpy(&info6, CMSG_DATA(c), sizeof(info6));
		return info6.ipi6_ifindex &&
		       info6.ipi6_ifindex != LOOPBACK_INDEX;
	}
	return (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RETOPTS) ||
	       (c->cmsg_level == IPPROTO_IPV6 &&
		(c->cmsg_type == IPV6_RTHDR || c->cmsg_type == OLD_RTHDR));
}

/**
 * pw_names_device() - Whether a message chooses its way in ancillary data
 * @msg: readable, what it points to perhaps not
 */
bool pw_names_device(const struct msghdr *msg)
{
	struct msghdr head = *msg;

	if (!pw_has_control(msg))
		return false;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&head); c;
	     c = CMSG_NXTHDR(&head, c))
		if (is_elsewhere(c))
			return true;
	return false;
}

static bool is_other_device(const void *value, socklen_t len)
{
	struct in6_pktinfo info;

	if (len < sizeof(info) || !pw_readable(value, sizeof(info)))
		return false; /* the kernel says EINVAL or EFAULT */
	memcpy(&info, value, sizeof(info));
	return info.ipi6_ifindex && info.ipi6_ifindex != LOOPBACK_INDEX;
}

/**
 * pw_device_verdict() - Whether an option may be set, as far as this goes
 *
 * A device may be chosen before there is a peer; whoever connects then looks.
 * Source routing never: the first router would be asked, not the proxy. Nor
 * IPv6's own device for datagrams (RFC 3542, section 6), which nobody can ask
 * for.
 *
 * Return: 0, or -EPERM; the user was told
 */
int pw_device_verdict(int fd, int level, int name, const void *value,
		      socklen_t len)
{
	struct sockaddr_storage peer;
	socklen_t n = sizeof(peer);
	bool is_route = (level == IPPROTO_IP && name == IP_OPTIONS) ||
			(level == IPPROTO_IPV6 &&
			 (name == IPV6_RTHDR || name == OLD_OPTIONS));
	bool is_sticky = level == IPPROTO_IPV6 && name == IPV6_PKTINFO &&
			 is_other_device(value, len);
	bool is_device = (level == SOL_SOCKET && (name == SO_BINDTODEVICE ||
						  name == SO_BINDTOIFINDEX)) ||
			 (level == IPPROTO_IP && name == UNICAST_IF) ||
			 (level == IPPROTO_IPV6 && name == UNICAST_IF_6);

	if (!len || (!is_route && !is_device && !is_sticky))
		return 0;
	if (is_device && pw_sys(SYS_getpeername, fd, &peer, &n) < 0)
		return 0;
	pw_blocked(PW_BLOCKED_WAY, NULL,
		   is_route    ? "source routing"
		   : is_sticky ? "another device for datagrams"
			       : "another device for a connected socket");
	return -EPERM;
}
