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
};

void pw_path_begin(struct pw_path_search *search, char *const envp[]) PW_HIDDEN;
bool pw_path_next(struct pw_path_search *search, const char *file,
		  char out[static PW_PATH_BYTES]) PW_HIDDEN;

#endif
