/* SPDX-License-Identifier: MIT */
/* A process that is about to leave its network namespace. */
#ifndef PW_LEAVE_H
#define PW_LEAVE_H

#include "shim.h"

bool pw_leave_call(long nr, const long v[6], long *ret) PW_HIDDEN;

#endif
