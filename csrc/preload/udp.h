/* SPDX-License-Identifier: MIT */
/* Where datagrams go: to this host, and name servers' to the helper. A socket
 * that is connected elsewhere sends nothing. */
#ifndef PW_UDP_H
#define PW_UDP_H

#include "fdtable.h"

/* Whether a descriptor may be a socket that sends nothing, see udp.c. */
static inline bool pw_is_muted(int fd)
{
	struct pw_tables *tables;

	if (!atomic_load_explicit(&pw_attention.has_muted,
				  memory_order_relaxed))
		return false;
	tables = pw_mapped();
	return tables && (unsigned int)fd < PW_FDS && tables->muted[fd];
}

/* Return from the function where what is sent to the peer would go astray. */
#define PW_GATE_MUTED(fd)                                     \
	do {                                                  \
		if (pw_is_muted(fd)) {                        \
			int found = pw_mute_verdict(fd);      \
			if (found < 0)                        \
				return (int)pw_result(found); \
		}                                             \
	} while (0)

int pw_udp_way(int fd, struct sockaddr_storage *addr, socklen_t *len) PW_HIDDEN;
int pw_udp_connect(int fd, struct sockaddr_storage *addr,
		   socklen_t *len) PW_HIDDEN;
void pw_mute(int fd) PW_HIDDEN;
int pw_mute_verdict(int fd) PW_HIDDEN;
bool pw_is_inet(int fd, int type) PW_HIDDEN;

#endif
