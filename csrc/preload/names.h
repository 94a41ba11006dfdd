/* SPDX-License-Identifier: MIT */
/* Questions about names, for the helper to answer. */
#ifndef PW_NAMES_H
#define PW_NAMES_H

#include "shim.h"

enum {
	PW_NUMBER_BYTES = 42, /* holds an address as a number */
	PW_NUMERIC_BYTES = PW_NUMBER_BYTES +
		PW_NAME_BYTES,	/* as long as a name */
	PW_SPELLED_BYTES = 960, /* holds a name in any alphabet and encoding */
};

int pw_resolve(const char *name, int family, struct pw_reply *reply) PW_HIDDEN;
int pw_reverse(const struct pw_addr *addr, struct pw_reply *reply) PW_HIDDEN;
void pw_numeric(const struct pw_addr *addr, size_t at_least, size_t size,
		char out[static PW_NUMBER_BYTES]) PW_HIDDEN;

#endif
