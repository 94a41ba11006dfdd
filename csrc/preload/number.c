/* SPDX-License-Identifier: MIT */
#include "number.h"

#include "libc.h"

/* Whether libc takes a node for an address, of whatever family. */
bool pw_is_number(const char *node)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST };
	struct addrinfo *list;

	if (pw_libc.getaddrinfo(node, NULL, &hints, &list))
		return false;
	freeaddrinfo(list);
	return true;
}
