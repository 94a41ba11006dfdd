/* SPDX-License-Identifier: MIT */
/*
 * The first line of every hook that moves bytes.
 *
 * A gated hook is two functions: all that most calls pay is a test and a jump
 * to libc's own, for which no register need be saved. What follows where there
 * is something to look at stands apart.
 */
#ifndef PW_GATE_H
#define PW_GATE_H

#include "arguments.h"
#include "lend.h"

enum {
	MOST_MESSAGES = 1024 /* that the kernel takes at a time: UIO_MAXIOV */
};

/*
 * Return from the function while no byte may pass. What the kernel would have
 * against the arguments, as in arguments.h, comes before that.
 */
#define PW_GATE(fd, flags, timeout, check)                          \
	do {                                                        \
		if (pw_is_busy() && pw_is_held(fd)) {               \
			int gate = pw_before_io(fd, flags, timeout, \
						(int)(check));      \
			if (gate != PW_GO_ON)                       \
				return (int)pw_result(gate);        \
		}                                                   \
	} while (0)
#define PW_GATE_IN(fd, flags, check) PW_GATE(fd, flags, SO_RCVTIMEO, check)
#define PW_GATE_OUT(fd, flags, check) PW_GATE(fd, flags, SO_SNDTIMEO, check)

/* The flag of preadv2() and pwritev2() that means MSG_DONTWAIT. */
#define PW_DONTWAIT(rwf) ((rwf) & RWF_NOWAIT ? MSG_DONTWAIT : 0)

/**
 * PW_GATED() - Define a hook that is libc's function behind a gate
 * @type: as in hooks.def, like @name, @params and @args
 * @gate: a PW_GATE of what it moves
 */
#define PW_GATED(type, name, params, args, gate)  \
	PW_APART static type gated_##name params  \
	{                                         \
		gate;                             \
		return pw_libc.name args;         \
	}                                         \
	type hook_##name params                   \
	{                                         \
		if (pw_is_busy())                 \
			return gated_##name args; \
		return pw_libc.name args;         \
	}

#endif
