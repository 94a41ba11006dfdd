/* SPDX-License-Identifier: MIT */
/* The address of a name, MODE, has that name. */
#include "trace.h"

static void play(void)
{
	int family = strcmp(argument, "6") ? AF_INET : AF_INET6;
	struct addrinfo hints = { .ai_family = family,
				  .ai_socktype = SOCK_STREAM },
			*list;
	struct hostent *entry;
	char host[256] = "";
	void *address;

	MUST(getaddrinfo(mode, "7", &hints, &list) == 0);
	TRY(getnameinfo(list->ai_addr, list->ai_addrlen, host, sizeof(host),
			NULL, 0, NI_NAMEREQD));
	say("name: %s", host);
	address = family == AF_INET
			  ? (void *)&((struct sockaddr_in *)list->ai_addr)
				    ->sin_addr
			  : &((struct sockaddr_in6 *)list->ai_addr)->sin6_addr;
	entry = gethostbyaddr(address, family == AF_INET ? 4 : 16, family);
	say("name: %s", entry ? entry->h_name : "none");
}
