/* SPDX-License-Identifier: MIT */
/*
 * The originals of what hooks.def interposes. Until they are resolved each
 * points to a function that resolves them all first, so a hook may be called
 * before our constructor has run.
 */
#ifndef PW_LIBC_H
#define PW_LIBC_H

#include "shim.h"

struct pw_libc {
#define HOOK(ret, name, params, args) ret(*name) params;
#define HOOK_OWN(ret, name, params)
#include "../hooks.def"
#undef HOOK
#undef HOOK_OWN
};

extern struct pw_libc pw_libc PW_HIDDEN;

/*
 * Hooks are defined as hook_NAME and exported as NAME, so that the attributes
 * of libc's own prototypes (nonnull, above all) do not apply to their bodies.
 */
#define HOOK(ret, name, params, args) \
	ret hook_##name params __asm__(#name) PW_EXPORT;
#define HOOK_OWN(ret, name, params) \
	ret hook_##name params __asm__(#name) PW_EXPORT;
#include "../hooks.def"
#undef HOOK
#undef HOOK_OWN

/* Weak, because a C library may have it in another object that is not loaded.
 */
extern void *pw_dlsym(void *handle, const char *name) __asm__("dlsym")
	__attribute__((weak));

/* There in glibc only. */
extern const char *pw_glibc_version(void) __asm__("gnu_get_libc_version")
	__attribute__((weak));

void pw_libc_resolve(void) PW_HIDDEN;
int pw_libc_setenv(const char *variable) PW_HIDDEN;
void pw_libc_unsetenv(const char *name) PW_HIDDEN;

#endif
