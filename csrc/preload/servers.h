/* SPDX-License-Identifier: MIT */
/*
 * Name servers that this process has asked by UDP, and the helper's sockets
 * that answer in their place.
 *
 * The table grows only, and what it says of a socket address is true of every
 * socket that has it for a peer: so no descriptor is marked, and no copy of
 * one, close or fork needs care.
 */
#ifndef PW_SERVERS_H
#define PW_SERVERS_H

#include "fdtable.h"

enum {
	PW_SERVERS = 256 /* as many as the helper has sockets for */
};

/* Whether any answer's address must be looked at; all that most pay. */
static inline bool pw_has_servers(void)
{
	return pw_unlikely(atomic_load_explicit(&pw_attention.has_servers,
						memory_order_relaxed));
}

int pw_server_find(const struct pw_addr *asked, struct pw_addr *out) PW_HIDDEN;
void pw_server_show(int fd, void *addr, socklen_t room,
		    const socklen_t *len) PW_HIDDEN;

#endif
