/* SPDX-License-Identifier: MIT */
/* Where datagrams go: to this host, and name servers' to the helper. */
#ifndef PW_UDP_H
#define PW_UDP_H

#include "shim.h"

int pw_udp_way(int fd, struct sockaddr_storage *addr, socklen_t *len) PW_HIDDEN;
bool pw_is_inet(int fd, int type) PW_HIDDEN;

#endif
