/* SPDX-License-Identifier: MIT */
/**
 * DOC: Other preloaded libraries
 *
 * A hook ends in the next library's function of that name. Where that makes
 * its system call by libc's syscall(), the call comes back: to our syscall(),
 * to the hook, to the next library's function, until the stack ends. So where
 * the next function is not libc's own, a thread notes that it is in there. A
 * hook that is called from there judges as ever, and then ends in the kernel.
 *
 * A signal handler that comes meanwhile, or one that leaves by longjmp(),
 * makes calls past the other library, and none past us.
 */
#ifndef PW_BELOW_H
#define PW_BELOW_H

#include "libc.h"

void pw_below_guard(struct pw_libc *calls, const void *own) PW_HIDDEN;

#endif
