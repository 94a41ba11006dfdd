/* SPDX-License-Identifier: MIT */
/* System calls tried before anything depends on them. */
#ifndef PW_REHEARSE_H
#define PW_REHEARSE_H

/**
 * enum pw_need - what system calls are for
 * @PW_NEED_ALWAYS: to start a program and to serve it
 * @PW_NEED_FILTER: to answer the calls of a program under our filter
 * @PW_NEED_CHILDREN: to watch programs that work for the helper
 * @PW_NEED_SPLICE: to relay in the kernel
 */
enum pw_need {
	PW_NEED_ALWAYS = 0,
	PW_NEED_FILTER = 1,
	PW_NEED_CHILDREN = 2,
	PW_NEED_SPLICE = 3,
};

const char *pw_rehearse(int need, int *error);

#endif
