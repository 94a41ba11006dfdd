/* SPDX-License-Identifier: MIT */
/*
 * poll() over descriptors of which some are pending: their control
 * connections are watched in their place.
 */
#ifndef PW_POLLSET_H
#define PW_POLLSET_H

#include "clock.h"

int pw_poll(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
	    const sigset_t *mask) PW_HIDDEN;

#endif
