/* SPDX-License-Identifier: MIT */
/* The entries of /etc/hosts, one by one, and again in buffers that are too
 * small. */
#include "trace.h"

static void play(void)
{
	struct hostent *entry, place, *found;
	char buffer[512];
	int error, ret = ERANGE;
	size_t size;

	sethostent(0);
	while ((entry = gethostent()) && strcmp(entry->h_name, "localhost"))
		;
	say("localhost: %s", entry ? "found" : "missing");
	endhostent();
	sethostent(0);
	for (size = 1; ret == ERANGE && size < sizeof(buffer); size++)
		ret = gethostent_r(&place, buffer, size, &found, &error);
	say("result: %d", ret);
	MUST(size > 8);
}
