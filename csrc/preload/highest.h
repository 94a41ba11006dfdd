/* SPDX-License-Identifier: MIT */
/* The highest descriptor that the application has. */
#ifndef PW_HIGHEST_H
#define PW_HIGHEST_H

#include "shim.h"

int pw_highest_fd(void) PW_HIDDEN;

#endif
