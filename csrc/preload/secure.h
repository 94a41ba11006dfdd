/* SPDX-License-Identifier: MIT */
/*
 * Whether a program will run in secure execution, in which ld.so heeds no
 * LD_PRELOAD.
 */
#ifndef PW_SECURE_H
#define PW_SECURE_H

#include <stdbool.h>

bool pw_is_secure(int fd);

#endif
