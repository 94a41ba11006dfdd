/* SPDX-License-Identifier: MIT */
/*
 * getsockopt(SO_ERROR), getpeername: what a lent socket says of itself.
 * setsockopt: nobody joins a multicast group, for that is told to the network.
 */
#include "channel.h"
#include "device.h"
#include "gate.h"
#include "libc.h"
#include "servers.h"
#include "sockaddr.h"

int hook_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
	enum pw_loan_state state;
	int error, ret;

	if (pw_likely(name != SO_ERROR) || level != SOL_SOCKET ||
	    !pw_loan_in_slot(fd))
		return pw_libc.getsockopt(fd, level, name, value, len);
	state = pw_state_of(fd);
	if (state != PW_LOAN_PENDING && state != PW_LOAN_FAILED)
		return pw_libc.getsockopt(fd, level, name, value, len);
	/*
	 * The socket's own error is the helper's to read. Another option has
	 * the kernel check the pointers and set the length.
	 */
	ret = pw_libc.getsockopt(fd, SOL_SOCKET, SO_TYPE, value, len);
	if (ret == 0) {
		error = pw_take_error(fd);
		memcpy(value, &error,
		       *len < sizeof(error) ? *len : sizeof(error));
	}
	return ret;
}

/* One that is no loan: a name server's, perhaps. */
static int plain_peer(int fd, struct sockaddr *addr, socklen_t *len)
{
	socklen_t room;
	int ret;

	if (!pw_has_servers() || !pw_readable(len, sizeof(*len)))
		return pw_libc.getpeername(fd, addr, len);
	room = *len;
	ret = pw_libc.getpeername(fd, addr, len);
	if (ret == 0)
		pw_server_show(fd, addr, room, len);
	return ret;
}

int hook_getpeername(int fd, struct sockaddr *addr, socklen_t *len)
{
	struct sockaddr_storage peer;
	struct pw_addr dest;
	socklen_t room;
	size_t n;
	int ret;

	if (pw_likely(!pw_loan_in_slot(fd)))
		return plain_peer(fd, addr, len);
	if (pw_state_of(fd) == PW_LOAN_PENDING)
		return (int)pw_result(-ENOTCONN);
	if (!pw_peer_of(fd, &dest) || !pw_readable(len, sizeof(*len)))
		return pw_libc.getpeername(fd, addr, len);
	memcpy(&room, len, sizeof(room));
	/* Checks the pointers, and whether it is connected still. */
	ret = pw_libc.getpeername(fd, addr, len);
	if (ret < 0)
		return ret;
	n = pw_addr_to(&dest, &peer);
	memcpy(addr, &peer, room < n ? room : n);
	*len = (socklen_t)n;
	return 0;
}

static bool joins_group(int level, int name)
{
	if (level != IPPROTO_IP && level != IPPROTO_IPV6)
		return false;
	if (name == MCAST_JOIN_GROUP || name == MCAST_JOIN_SOURCE_GROUP)
		return true;
	if (level == IPPROTO_IP)
		return name == IP_ADD_MEMBERSHIP ||
		       name == IP_ADD_SOURCE_MEMBERSHIP;
	return name == IPV6_JOIN_GROUP || name == IPV6_JOIN_ANYCAST;
}

PW_APART static int set_network_option(int fd, int level, int name,
				       const void *value, socklen_t len)
{
	int ret = pw_device_verdict(fd, level, name, value, len);

	if (ret < 0)
		return (int)pw_result(ret);
	if (joins_group(level, name)) {
		pw_blocked(PW_BLOCKED_MULTICAST, NULL, NULL);
		return (int)pw_result(-ENETUNREACH);
	}
	return pw_libc.setsockopt(fd, level, name, value, len);
}

int hook_setsockopt(int fd, int level, int name, const void *value,
		    socklen_t len)
{
	if (pw_unlikely(level == IPPROTO_IP || level == IPPROTO_IPV6 ||
			name == SO_BINDTODEVICE || name == SO_BINDTOIFINDEX))
		return set_network_option(fd, level, name, value, len);
	return pw_libc.setsockopt(fd, level, name, value, len);
}
