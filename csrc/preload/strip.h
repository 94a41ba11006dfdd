/* SPDX-License-Identifier: MIT */
/* An environment without us, for a program in whose root we are not. */
#ifndef PW_STRIP_H
#define PW_STRIP_H

#include "shim.h"

size_t pw_strip_room(char *const envp[]) PW_HIDDEN;
char *const *pw_strip(char *const envp[], void *memory) PW_HIDDEN;

#endif
