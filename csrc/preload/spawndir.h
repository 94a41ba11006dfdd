/* SPDX-License-Identifier: MIT */
/*
 * Where a spawned program will be looked for: posix_spawn() changes the
 * directory, by its file actions, before it looks a relative path up.
 */
#ifndef PW_SPAWNDIR_H
#define PW_SPAWNDIR_H

#include "shim.h"

int pw_spawndir_note(const void *actions, const char *path, int fd) PW_HIDDEN;
void pw_spawndir_forget(const void *actions) PW_HIDDEN;
int pw_spawndir_open(const void *actions) PW_HIDDEN;

#endif
