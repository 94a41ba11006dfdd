/* SPDX-License-Identifier: MIT */
/* Whether who listens is the helper, before anything is sent. */
#ifndef PW_LISTENER_H
#define PW_LISTENER_H

#include "channel.h"

int pw_listener_check(int ctl, const struct pw_channel *ch,
		      bool is_abstract) PW_HIDDEN;

#endif
