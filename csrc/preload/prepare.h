/* SPDX-License-Identifier: MIT */
/* What is done before any exec: the target is judged, the environment mended.
 */
#ifndef PW_PREPARE_H
#define PW_PREPARE_H

#include "order.h"
#include "shim.h"

enum {
	PW_LINE_BYTES = 4096, /* an LD_PRELOAD of the user's, and ours */
	PW_MAX_ENV = 65536,   /* variables; more is E2BIG */
};

/**
 * struct pw_permit - what was found out about a program
 * @runtime: what must stand before us in its LD_PRELOAD, or ""
 * @is_refused: it must not run, and the user was told so
 */
struct pw_permit {
	char runtime[PW_RUNTIME_BYTES];
	bool is_refused;
};

size_t pw_env_slots(char *const envp[]) PW_HIDDEN;
int pw_env_build(char *const envp[], const char *runtime, char **out,
		 char line[static PW_LINE_BYTES]) PW_HIDDEN;
int pw_env_preload(char *const envp[], const char *runtime,
		   char line[static PW_LINE_BYTES]) PW_HIDDEN;
bool pw_env_has_channel(char *const envp[]) PW_HIDDEN;
bool pw_env_is_sound(char *const envp[], const char *runtime) PW_HIDDEN;
int pw_target_allowed(int dir, const char *path, int flags,
		      struct pw_permit *permit) PW_HIDDEN;
void pw_await_inherited(void) PW_HIDDEN;

#endif
