/* SPDX-License-Identifier: MIT */
/* Whether a program's limits of memory leave room for the shim. */
#ifndef PW_LIMITS_H
#define PW_LIMITS_H

#include <elf.h>
#include <stdbool.h>

bool pw_leaves_room(int fd, const Elf64_Ehdr *elf);

#endif
