/* SPDX-License-Identifier: MIT */
/*
 * Programs that we cannot be loaded into are started by a thread under the
 * seccomp filter, which they inherit.
 */
#ifndef PW_CONFINE_H
#define PW_CONFINE_H

#include "prepare.h"

/**
 * struct pw_start - something to be done under the filter
 * @body: starts the program; returns 0 or -errno
 * @argument: for it
 * @is_exec: whether it executes, which does not return
 * @filter_error: set to why there is no filter, an errno, or 0
 */
struct pw_start {
	int (*body)(void *argument);
	void *argument;
	bool is_exec;
	int filter_error;
};

bool pw_is_confined(void) PW_HIDDEN;
int pw_confine(struct pw_start *start) PW_HIDDEN;
int pw_refuse_unfiltered(const char *path, int error) PW_HIDDEN;

#endif
