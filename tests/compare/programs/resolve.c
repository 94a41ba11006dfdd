/* SPDX-License-Identifier: MIT */
/* The address of a name, MODE, and nothing else, or what leads to one. */
#include "trace.h"

static void play(void)
{
	struct hostent *entry = gethostbyname(mode);
	char text[INET_ADDRSTRLEN];

	MUST(entry);
	say("%s",
	    inet_ntop(AF_INET, entry->h_addr_list[0], text, sizeof(text)));
	_exit(0);
}
