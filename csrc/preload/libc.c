/* SPDX-License-Identifier: MIT */
#include "below.h"

#include <dlfcn.h>

/* Where a C library lacks the function, its name in a program finds us. */
static long missing(void)
{
	errno = ENOSYS;
	return -1;
}

#define HOOK(ret, name, params, args)     \
	static ret early_##name params    \
	{                                 \
		pw_libc_resolve();        \
		return pw_libc.name args; \
	}
#define HOOK_OWN(ret, name, params)
#include "../hooks.def"
#undef HOOK
#undef HOOK_OWN

struct pw_libc pw_libc = {
#define HOOK(ret, name, params, args) .name = early_##name,
#define HOOK_OWN(ret, name, params)
#include "../hooks.def"
#undef HOOK
#undef HOOK_OWN
};

static void *next(const char *name)
{
	void *found = pw_dlsym ? pw_dlsym(RTLD_NEXT, name) : NULL;

	return found ? found : (void *)missing;
}

/**
 * pw_libc_resolve() - Find the originals of all hooks
 *
 * Context: any; resolving twice gives the same result. dlsym() may set errno.
 */
void pw_libc_resolve(void)
{
	int saved = errno;

#define HOOK(ret, name, params, args) pw_libc.name = (ret(*) params)next(#name);
#define HOOK_OWN(ret, name, params)
#include "../hooks.def"
#undef HOOK
#undef HOOK_OWN
	pw_below_guard(&pw_libc, next("__errno_location"));
	errno = saved;
}

/**
 * pw_libc_setenv() - Set a variable of the program's environment
 * @variable: NAME=VALUE
 *
 * Return: 0 or -ENOMEM
 * Context: wherever the program may call libc's own, which allocates
 */
int pw_libc_setenv(const char *variable)
{
	int (*set)(const char *, const char *, int) =
		(int (*)(const char *, const char *, int))next("setenv");
	size_t n = strcspn(variable, "=");
	char name[64];

	if (n >= sizeof(name))
		return -ENOMEM;
	memcpy(name, variable, n);
	name[n] = 0;
	return set(name, variable + n + 1, 1) == 0 ? 0 : -ENOMEM;
}

/* Take every variable of that name out; where pw_libc_setenv() may be called.
 */
void pw_libc_unsetenv(const char *name)
{
	int (*unset)(const char *) = (int (*)(const char *))next("unsetenv");

	unset(name);
}
