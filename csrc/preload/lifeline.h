/* SPDX-License-Identifier: MIT */
/* A connection to the helper that is kept where no new one can be made. */
#ifndef PW_LIFELINE_H
#define PW_LIFELINE_H

#include "shim.h"

bool pw_lifeline_keep(void) PW_HIDDEN;
void pw_lifeline_drop(void) PW_HIDDEN;
bool pw_lifeline_is_kept(void) PW_HIDDEN;
int pw_lifeline_open(int type, bool may_block) PW_HIDDEN;
bool pw_lifeline_forget(int fd) PW_HIDDEN;
bool pw_lifeline_move(int fd) PW_HIDDEN;

#endif
