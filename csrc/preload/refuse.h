/* SPDX-License-Identifier: MIT */
/* The refusal of a function that would resolve or connect past us. */
#ifndef PW_REFUSE_H
#define PW_REFUSE_H

#include "shim.h"

int pw_refuse(const char *function) PW_HIDDEN;

#endif
