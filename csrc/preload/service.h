/* SPDX-License-Identifier: MIT */
/* Servers that may run outside and do for a program what it asks for. */
#ifndef PW_SERVICE_H
#define PW_SERVICE_H

#include "shim.h"

void pw_service_tell(int fd, const struct sockaddr_storage *addr,
		     size_t len) PW_HIDDEN;

#endif
