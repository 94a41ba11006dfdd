/* SPDX-License-Identifier: MIT */
/* A connect that is broken off: by shutdown(), or by connect(AF_UNSPEC). */
#ifndef PW_GIVEUP_H
#define PW_GIVEUP_H

#include "shim.h"

bool pw_give_up(int fd) PW_HIDDEN;

#endif
