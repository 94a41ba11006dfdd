/* SPDX-License-Identifier: MIT */
/* Whether ld.so will load this very object into a program. */
#ifndef PW_REACH_H
#define PW_REACH_H

#include "shim.h"

enum pw_target pw_reach(void) PW_HIDDEN;

#endif
