/* SPDX-License-Identifier: MIT */
/*
 * The value of LD_PRELOAD: ours first, but for a runtime that insists on it.
 */
#ifndef PW_ORDER_H
#define PW_ORDER_H

#include <stdbool.h>
#include <stddef.h>

enum {
	PW_RUNTIME_BYTES = 64, /* the name of a sanitizer's runtime */
};

bool pw_is_runtime(const char *name, size_t n);
int pw_order(char *out, size_t size, const char *ours, const char *theirs,
	     const char *runtime);
size_t pw_order_bytes(const char *ours, const char *theirs,
		      const char *runtime);
bool pw_order_is_kept(const char *ours, const char *theirs,
		      const char *runtime);

#endif
