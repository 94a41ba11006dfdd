/* SPDX-License-Identifier: MIT */
/* A struct hostent in a caller's buffer. */
#ifndef PW_HOSTENT_H
#define PW_HOSTENT_H

#include "shim.h"

/* Holds any answer of the helper's. */
enum {
	PW_HOSTENT_BYTES = PW_NAME_BYTES + 16 * PW_MAX_ADDRS +
		8 * (PW_MAX_ADDRS + 2) + 16
};

int pw_hostent_pack(struct hostent *out, char *buf, size_t size,
		    const char *name, int family, const struct pw_addr *addrs,
		    unsigned int count) PW_HIDDEN;

#endif
