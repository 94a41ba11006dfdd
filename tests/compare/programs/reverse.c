/* SPDX-License-Identifier: MIT */
/* The address of a name, MODE, has that name. */
#include "trace.h"

static void play(void)
{
	struct addrinfo hints = { .ai_family = AF_INET,
				  .ai_socktype = SOCK_STREAM },
			*list;
	struct hostent *entry;
	char host[256] = "";

	MUST(getaddrinfo(mode, "7", &hints, &list) == 0);
	TRY(getnameinfo(list->ai_addr, list->ai_addrlen, host, sizeof(host),
			NULL, 0, NI_NAMEREQD));
	say("name: %s", host);
	entry = gethostbyaddr(&((struct sockaddr_in *)list->ai_addr)->sin_addr,
			      4, AF_INET);
	say("name: %s", entry ? entry->h_name : "none");
}
