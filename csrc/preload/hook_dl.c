/* SPDX-License-Identifier: MIT */
/* dlopen: what is loaded stays behind us in the search order. */
#include "libc.h"

#include <dlfcn.h>

/*
 * RTLD_DEEPBIND would have the loaded object find libc's functions before
 * ours. A tail call, so that for the original the caller is the application,
 * whose RUNPATH it searches.
 */
void *hook_dlopen(const char *path, int flags)
{
	return pw_libc.dlopen(path, flags & ~RTLD_DEEPBIND);
}
