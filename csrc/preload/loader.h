/* SPDX-License-Identifier: MIT */
/*
 * The dynamic loader as a program: it has no interpreter, and runs the program
 * that its arguments name.
 */
#ifndef PW_LOADER_H
#define PW_LOADER_H

#include "image.h"

/* What a loader does with its arguments. */
enum pw_loading {
	PW_LOADING_NOTHING, /* it runs no program */
	PW_LOADING_PROGRAM,
	PW_LOADING_UNKNOWN,
};

enum pw_libc_kind pw_loader_kind(int fd);
enum pw_loading pw_loader_read(enum pw_libc_kind kind, char *const argv[],
			       char *const envp[], const char **program);

#endif
