/* SPDX-License-Identifier: MIT */
/* Which datagrams may leave: those to this host, but no DNS. */
#ifndef PW_UDP_H
#define PW_UDP_H

#include "shim.h"

bool pw_udp_may_go(const struct sockaddr_storage *addr, size_t len) PW_HIDDEN;
bool pw_is_inet(int fd, int type) PW_HIDDEN;

#endif
