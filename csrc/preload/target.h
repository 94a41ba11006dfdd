/* SPDX-License-Identifier: MIT */
/*
 * Whether the preload object will be loaded into a program: ld.so silently
 * runs one bare that it cannot enter. Used by the exec hooks and, through
 * _native, by the launcher.
 */
#ifndef PW_TARGET_H
#define PW_TARGET_H

#include "../wire.h"
#include "order.h"

/**
 * struct pw_program - what is about to be executed
 * @dir: directory of a relative @path, or AT_FDCWD
 * @path: as for execveat(2)
 * @flags: AT_EMPTY_PATH: @dir is the program itself
 * @cwd: the directory that it will be in, or AT_FDCWD; -errno: not to be known
 * @argv: its arguments, and @envp its environment; the application's, or NULL
 */
struct pw_program {
	int dir;
	const char *path;
	int flags;
	int cwd;
	char *const *argv;
	char *const *envp;
};

enum pw_target pw_target_examine(const struct pw_program *program,
				 char runtime[static PW_RUNTIME_BYTES]);
enum pw_target pw_target_judge(int dir, const char *path, int flags);

#endif
