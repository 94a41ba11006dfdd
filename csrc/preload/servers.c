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

/* The server that a peer answers in the place of, NULL for none. */
static const struct server *server_of(const struct pw_addr *peer)
{
	for (uint32_t i = 0; i < places(); i++)
		if (at(i) && is_same(&servers[i].answering, peer))
			return &servers[i];
	return NULL;
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
	const struct server *server;
	struct sockaddr_storage asked;
	struct pw_addr peer;
	size_t n;

	if (*len > room || pw_addr_from(&peer, addr, *len) < 0)
		return;
	server = server_of(&peer);
	/* A TCP port of the same number is somebody else's. */
	if (!server || !pw_is_inet(fd, SOCK_DGRAM))
		return;
	n = pw_addr_to(&server->asked, &asked);
	memcpy(addr, &asked, n < *len ? n : *len);
}

/*
 * The address that this host has on the way to another: the kernel tells it of
 * a datagram socket that is connected, by which nothing is sent.
 */
static int own_address(const struct pw_addr *dest, struct pw_addr *out)
{
	struct sockaddr_storage storage;
	socklen_t n = (socklen_t)pw_addr_to(dest, &storage);
	int fd = (int)pw_sys(SYS_socket, dest->family,
			     SOCK_DGRAM | SOCK_CLOEXEC, 0);
	long ret = fd < 0 ? fd : pw_sys(SYS_connect, fd, &storage, n);

	n = sizeof(storage);
	if (ret == 0)
		ret = pw_sys(SYS_getsockname, fd, &storage, &n);
	if (ret == 0)
		ret = pw_addr_from(out, &storage, n);
	if (fd >= 0)
		pw_sys(SYS_close, fd);
	return (int)ret;
}

/**
 * pw_server_show_own() - Have a socket's own address be that of the way to the
 *	server that was asked, instead of loopback's
 *
 * As pw_server_show(). Where there is no such way it is left as it is.
 */
void pw_server_show_own(int fd, void *addr, socklen_t room,
			const socklen_t *len)
{
	const struct server *server;
	struct sockaddr_storage storage;
	struct pw_addr here, peer, own;
	socklen_t n = sizeof(storage);
	uint16_t port;

	if (*len > room || pw_addr_from(&here, addr, *len) < 0 ||
	    !pw_addr_is_loopback(&here) || !pw_is_inet(fd, SOCK_DGRAM) ||
	    pw_sys(SYS_getpeername, fd, &storage, &n) < 0 ||
	    pw_addr_from(&peer, &storage, n) < 0)
		return;
	server = server_of(&peer);
	port = here.port;
	if (!server || own_address(&server->asked, &own) < 0)
		return;
	own.port = port;
	n = (socklen_t)pw_addr_to(&own, &storage);
	memcpy(addr, &storage, n < *len ? n : *len);
}
