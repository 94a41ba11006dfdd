/* SPDX-License-Identifier: MIT */
/**
 * DOC: Guest rules
 *
 * This code runs inside other people's programs, at any moment: in signal
 * handlers, between vfork and exec, before main, in a process whose memory is
 * nearly gone. Therefore
 *
 * - no malloc, no stdio, no threads, no exit: poisoned below;
 * - no call by its name to a function that has a row in hooks.def, and none to
 *   one that a program may interpose: internals use pw_sys(), hooks end in
 *   pw_libc.NAME;
 * - internals return 0 or -errno and leave errno alone; only a hook sets it,
 *   and only when it fails;
 * - the lock (guard.h) is never held over a system call that can block, but for
 *   20 ms in giveup.c, and no signal can arrive while it is held;
 * - what cannot be carried through the chain fails, with one line by way of
 *   the helper; nothing ever falls back to a direct connection.
 */
#ifndef PW_SHIM_H
#define PW_SHIM_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <aio.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <wordexp.h>

#include "../wire.h"
#include "sys.h"

#define PW_EXPORT __attribute__((visibility("default")))
#define PW_HIDDEN __attribute__((visibility("hidden")))
/* A function that stands apart, with a frame of its own. */
#define PW_APART __attribute__((noinline, cold))
#define PW_TLS __thread __attribute__((tls_model("initial-exec")))

#define pw_likely(x) __builtin_expect(!!(x), 1)
#define pw_unlikely(x) __builtin_expect(!!(x), 0)

enum {
	PW_FDS = 65536,	   /* descriptors that can be lent without waiting */
	PW_LOANS = 0xfe00, /* lent sockets remembered at a time */
	PW_SETS = 0x100,   /* epoll sets known at a time */
	PW_WATCHES = 0xffff,
};

/* Set errno from a negative result, for the last line of a hook. */
static inline long pw_result(long ret)
{
	if (ret < 0) {
		errno = (int)-ret;
		return -1;
	}
	return ret;
}

#pragma GCC poison malloc calloc realloc free strdup printf fprintf snprintf
#pragma GCC poison exit _exit abort pthread_create getenv setenv

#endif
