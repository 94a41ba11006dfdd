/* SPDX-License-Identifier: MIT */
/* The first line of every hook that moves bytes. */
#ifndef PW_GATE_H
#define PW_GATE_H

#include "lend.h"

/*
 * Return from the hook while no byte may pass. A statement, because the test
 * must stand in the hook itself: it is all that most calls pay.
 */
#define PW_GATE(fd, flags, timeout)                                  \
	do {                                                         \
		if (pw_is_busy()) {                                  \
			int gate = pw_before_io(fd, flags, timeout); \
			if (gate < 0)                                \
				return (int)pw_result(gate);         \
		}                                                    \
	} while (0)
#define PW_GATE_IN(fd, flags) PW_GATE(fd, flags, SO_RCVTIMEO)
#define PW_GATE_OUT(fd, flags) PW_GATE(fd, flags, SO_SNDTIMEO)

#endif
