/* SPDX-License-Identifier: MIT */
/* execveat() with an empty environment starts the program ARGUMENT. */
#include "trace.h"

static void play(void)
{
	char *argv[] = { arguments[4], arguments[1], arguments[2], NULL };
	char *none[] = { NULL };

	execveat(AT_FDCWD, argument, argv, none, 0);
}
