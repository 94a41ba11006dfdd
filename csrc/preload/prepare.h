/* SPDX-License-Identifier: MIT */
/* What is done before any exec: the target is judged, the environment mended.
 */
#ifndef PW_PREPARE_H
#define PW_PREPARE_H

#include "order.h"
#include "shim.h"
#include "target.h"

/**
 * struct pw_permit - what was found out about a program
 * @runtime: what must stand before us in its LD_PRELOAD, or ""
 * @is_refused: it must not run, and the user was told so
 * @is_filtered: it is to run under the filter
 * @is_bare: without us, for ld.so would not find us, or we not the helper
 * @is_optional: the filter; it is wrapped without one too
 */
struct pw_permit {
	char runtime[PW_RUNTIME_BYTES];
	bool is_refused;
	bool is_filtered;
	bool is_bare;
	bool is_optional;
};

/**
 * struct pw_env - what was seen of an environment
 * @runtime: what the program needs before us, or ""
 * @preload: the value of its LD_PRELOAD, or NULL
 * @channel: the variable that leads to a helper, or NULL
 * @count: variables
 * @preloads: how many LD_PRELOADs are among them
 * @line_bytes: what the LD_PRELOAD takes that it should have
 * @is_sound: a program started with it would be wrapped, as it is
 */
struct pw_env {
	const char *runtime;
	const char *preload;
	char *channel;
	size_t count, preloads, line_bytes;
	bool is_sound;
};

void pw_env_examine(struct pw_env *env, char *const envp[], const char *runtime,
		    bool is_shared) PW_HIDDEN;
int pw_env_preload(const struct pw_env *env, char *line) PW_HIDDEN;
size_t pw_env_room(const struct pw_env *env) PW_HIDDEN;
char *const *pw_env_mend(const struct pw_env *env, char *const envp[],
			 void *memory) PW_HIDDEN;
int pw_target_allowed(const struct pw_program *program,
		      struct pw_permit *permit) PW_HIDDEN;
void pw_await_inherited(void) PW_HIDDEN;

#endif
