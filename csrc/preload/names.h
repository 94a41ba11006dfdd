/* SPDX-License-Identifier: MIT */
/* Questions about names, for the helper to answer. */
#ifndef PW_NAMES_H
#define PW_NAMES_H

#include "shim.h"

enum {
	PW_SPELLED_BYTES = 1024, /* a name in any alphabet and encoding */
	PW_NUMERIC_BYTES = 1100, /* an address padded to a name's length */
};

int pw_resolve(const char *name, int family, struct pw_reply *reply) PW_HIDDEN;
int pw_reverse(const struct pw_addr *addr, struct pw_reply *reply) PW_HIDDEN;
void pw_numeric(const struct pw_addr *addr, size_t at_least,
		char out[static PW_NUMERIC_BYTES]) PW_HIDDEN;

#endif
