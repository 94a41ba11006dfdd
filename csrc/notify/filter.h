/* SPDX-License-Identifier: MIT */
/*
 * The seccomp filter for programs that the shim cannot enter: which system
 * calls the helper is notified of (seccomp_unotify(2)), and which there are
 * not.
 */
#ifndef PW_FILTER_H
#define PW_FILTER_H

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PW_FILTER_MAX = 512, /* instructions */

	/* getsockopt(-1, SOL_SOCKET, SO_ERROR, token, PW_PROBE) returns it
	 * under the filter of the helper with that token. */
	PW_PROBE = 0x70727062,
};

/* What the helper is notified of, by whatever number. */
enum pw_call {
	PW_CALL_OTHER = 0,
	PW_CALL_CONNECT = 1,
	PW_CALL_SENDTO = 2,
	PW_CALL_SENDMSG = 3,
	PW_CALL_SENDMMSG = 4,
	PW_CALL_RECVFROM = 5,
	PW_CALL_RECVMSG = 6,
	PW_CALL_RECVMMSG = 7,
	PW_CALL_SOCKET = 8,
	PW_CALL_GETSOCKOPT = 9,
	PW_CALL_SETSOCKOPT = 10,
	PW_CALL_GETPEERNAME = 11,
};

size_t pw_filter_build(struct sock_filter out[static PW_FILTER_MAX]);
enum pw_call pw_filter_call(int number);
int pw_filter_install(void);

#endif
