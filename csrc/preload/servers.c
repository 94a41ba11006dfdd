/* SPDX-License-Identifier: MIT */
#include "servers.h"

#include "channel.h"
#include "sockaddr.h"
#include "udp.h"

struct server {
	_Atomic bool is_set; /* the rest never changes after it is true */
	struct pw_addr asked, answering;
};

static struct server servers[PW_SERVERS];
static _Atomic uint32_t count; /* places taken, each set or about to be */

static bool is_same(const struct pw_addr *a, const struct pw_addr *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static struct server *at(uint32_t i)
{
	return atomic_load_explicit(&servers[i].is_set, memory_order_acquire)
		       ? &servers[i]
		       : NULL;
}

static uint32_t places(void)
{
	uint32_t n = atomic_load(&count);

	return n < PW_SERVERS ? n : PW_SERVERS;
}

/*
 * Without a lock, for a vfork child may come here: two threads can note the
 * same server, and a fork in the middle loses a place.
 */
static int note(const struct pw_addr *asked, const struct pw_addr *answering)
{
	uint32_t i = atomic_load(&count);

	do
		if (i >= PW_SERVERS)
			return -ENETUNREACH;
	while (!atomic_compare_exchange_weak(&count, &i, i + 1));
	servers[i].asked = *asked;
	servers[i].answering = *answering;
	atomic_store_explicit(&servers[i].is_set, true, memory_order_release);
	atomic_store(&pw_attention.has_servers, true);
	return 0;
}

/**
 * pw_server_find() - Who answers in the place of a name server
 * @asked: its address, of the family that the socket is of
 * @out: the address to send to, of the same family
 *
 * Return: 0 or -errno; the user was told
 * Context: asks the helper the first time, and waits for it
 */
int pw_server_find(const struct pw_addr *asked, struct pw_addr *out)
{
	struct pw_request request = { .op = PW_OP_SERVER, .addr = *asked };
	struct pw_reply reply;

	for (uint32_t i = 0; i < places(); i++)
		if (at(i) && is_same(&servers[i].asked, asked)) {
			*out = servers[i].answering;
			return 0;
		}
	if (pw_channel_ask(&request, &reply) < 0 || reply.error ||
	    reply.count != 1 || reply.addrs[0].family != asked->family)
		return -ENETUNREACH;
	*out = reply.addrs[0];
	return note(asked, out);
}

/**
 * pw_server_show() - Have a peer's address be that of the server that was asked
 * @fd: a socket of any kind
 * @addr: what the kernel has just written; readable and writable
 * @room: what the application had for it
 * @len: the size that the kernel says
 *
 * One that the application cut short is left as it is.
 */
void pw_server_show(int fd, void *addr, socklen_t room, const socklen_t *len)
{
	struct sockaddr_storage asked;
	struct pw_addr peer;
	size_t n;

	if (*len > room || pw_addr_from(&peer, addr, *len) < 0)
		return;
	for (uint32_t i = 0; i < places(); i++) {
		if (!at(i) || !is_same(&servers[i].answering, &peer))
			continue;
		/* A TCP port of the same number is somebody else's. */
		if (!pw_is_inet(fd, SOCK_DGRAM))
			return;
		n = pw_addr_to(&servers[i].asked, &asked);
		memcpy(addr, &asked, n < *len ? n : *len);
		return;
	}
}
