/* SPDX-License-Identifier: MIT */
/*
 * What the kernel finds wrong with a call's arguments before it looks at the
 * state of the socket. A pending one has the same objections, in that order.
 *
 * All of these return PW_GO_ON where there are none, 0 where nothing is to be
 * moved, and otherwise -errno.
 */
#ifndef PW_ARGUMENTS_H
#define PW_ARGUMENTS_H

#include "shim.h"

enum {
	PW_GO_ON = 1,
};

int pw_check_address(const void *addr, socklen_t len) PW_HIDDEN;
int pw_check_parts(const struct iovec *iov, int n, off_t offset) PW_HIDDEN;
int pw_check_message(const struct msghdr *msg, bool is_sent) PW_HIDDEN;
int pw_check_messages(const struct mmsghdr *msgs, unsigned int n,
		      const struct timespec *timeout) PW_HIDDEN;
bool pw_has_control(const struct msghdr *msg) PW_HIDDEN;

#endif
