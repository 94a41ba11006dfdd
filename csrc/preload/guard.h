/* SPDX-License-Identifier: MIT */
/*
 * The one lock over everything that the shim remembers, and the answer to
 * "is this memory ours?": a vfork child runs in its parent's memory but with
 * its own descriptors, and must leave what is remembered alone.
 */
#ifndef PW_GUARD_H
#define PW_GUARD_H

#include "shim.h"

struct pw_guard {
	uint64_t mask; /* the thread's signal mask before */
	bool held;
};

bool pw_guard_enter(struct pw_guard *guard) PW_HIDDEN;
void pw_guard_leave(struct pw_guard *guard) PW_HIDDEN;
void pw_guard_own(void) PW_HIDDEN;
int pw_self(void) PW_HIDDEN;

#define PW_GUARD __attribute__((cleanup(pw_guard_leave))) struct pw_guard

#endif
