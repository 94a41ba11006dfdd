/* SPDX-License-Identifier: MIT */
/* Addresses as numbers, in whatever spelling libc takes. */
#ifndef PW_NUMBER_H
#define PW_NUMBER_H

#include "shim.h"

bool pw_is_number(const char *node) PW_HIDDEN;

#endif
