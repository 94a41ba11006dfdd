/* SPDX-License-Identifier: MIT */
/**
 * DOC: Room for lists
 *
 * Lists of arguments and variables are as long as the program likes, and its
 * stack may be small. Short ones are on the stack, the others on memory of
 * their own, which whoever took it gives back.
 *
 * An exec that succeeds takes the memory away, but in a vfork child, which
 * borrows its parent's. So what is taken for an exec is noted with the thread
 * whose stack and thread pointer it is: that thread is stopped meanwhile, and
 * the next that starts a program or a child there gives the memory back.
 */
#ifndef PW_ROOM_H
#define PW_ROOM_H

#include "shim.h"

enum {
	PW_ROOM_SMALL = 1024 /* bytes that are taken from the stack */
};

/* Memory for so many bytes, not 0, of a variable; NULL where there is none. */
#define pw_room(bytes)                                      \
	((bytes) <= PW_ROOM_SMALL ? __builtin_alloca(bytes) \
				  : pw_room_map(bytes))

void *pw_room_map(size_t bytes) PW_HIDDEN;
void pw_room_give_back(void *memory, size_t bytes) PW_HIDDEN;
void pw_room_sweep(void) PW_HIDDEN;

#endif
