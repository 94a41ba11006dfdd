/* SPDX-License-Identifier: MIT */
#include "refuse.h"

#include "channel.h"

extern int *pw_h_errno(void) __asm__("__h_errno_location");

/**
 * pw_refuse() - Fail as if no name server answered, and have the user told
 * @function: its name
 *
 * Return: -1, with errno and h_errno set
 */
int pw_refuse(const char *function)
{
	pw_blocked(PW_BLOCKED_RESOLVER, NULL, function);
	*pw_h_errno() = TRY_AGAIN;
	errno = ECONNREFUSED;
	return -1;
}
