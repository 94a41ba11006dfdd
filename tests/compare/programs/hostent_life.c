/* SPDX-License-Identifier: MIT */
/* What gethostbyname() returns is whole, and lives until its next call. */
#include "trace.h"

static void play(void)
{
	struct hostent *entry = gethostbyname("site.test"), other, *found;
	struct addrinfo *list;
	struct in_addr before;
	char buffer[2048];
	int error;

	MUST(entry);
	say("aliases: %s", entry->h_aliases ? "a list" : "NULL");
	say("name: %s", entry->h_name);
	memcpy(&before, entry->h_addr_list[0], sizeof(before));
	TRY(gethostbyname_r("closed.test", &other, buffer, sizeof(buffer),
			    &found, &error));
	TRY(getaddrinfo("n1.test", "7", NULL, &list));
	say("name: %s", entry->h_name);
	say("address: %s",
	    memcmp(&before, entry->h_addr_list[0], 4) ? "another" : "the same");
}
