/* SPDX-License-Identifier: MIT */
/* What is done before any exec: the target is judged, the environment mended.
 */
#ifndef PW_PREPARE_H
#define PW_PREPARE_H

#include "shim.h"

enum {
	PW_LINE_BYTES = 4096, /* an LD_PRELOAD of the user's, and ours */
	PW_MAX_ENV = 65536,   /* variables; more is E2BIG */
};

size_t pw_env_slots(char *const envp[]) PW_HIDDEN;
int pw_env_build(char *const envp[], char **out,
		 char line[static PW_LINE_BYTES]) PW_HIDDEN;
bool pw_env_is_sound(char *const envp[]) PW_HIDDEN;
int pw_target_allowed(int dir, const char *path, int flags) PW_HIDDEN;
void pw_await_inherited(void) PW_HIDDEN;

#endif
