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

enum pw_target pw_target_examine(int dir, const char *path, int flags,
				 char runtime[static PW_RUNTIME_BYTES]);
enum pw_target pw_target_judge(int dir, const char *path, int flags);

#endif
