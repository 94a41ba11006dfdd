/* SPDX-License-Identifier: MIT */
/* The search through $PATH, as execvp and posix_spawnp do it. */
#ifndef PW_PATH_H
#define PW_PATH_H

#include "shim.h"

enum {
	PW_PATH_BYTES = 4096
};

struct pw_path_search {
	const char *rest; /* NULL when all were tried */
	const char *file;
	size_t room; /* for a path */
};

void pw_path_begin(struct pw_path_search *search, char *const envp[],
		   const char *file) PW_HIDDEN;
bool pw_path_next(struct pw_path_search *search, char *out) PW_HIDDEN;

#endif
