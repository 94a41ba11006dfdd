/* SPDX-License-Identifier: MIT */
/* The gethostby* family: MODE is the function, ARGUMENT the name or address. */
#include "trace.h"

static int family = AF_INET;

static void tell(const struct hostent *entry)
{
	char text[64];

	if (!entry) {
		say("%s", hstrerror(h_errno));
		return;
	}
	say("%s, %d bytes, %s", entry->h_addrtype == AF_INET ? "inet" : "inet6",
	    entry->h_length, entry->h_name);
	for (char **at = entry->h_addr_list; *at; at++)
		say("%s",
		    inet_ntop(entry->h_addrtype, *at, text, sizeof(text)));
	for (char **at = entry->h_aliases; *at; at++)
		say("alias %s", *at);
}

/* In every buffer, from none to one that is large enough. */
static void grow(bool is_reverse, const void *addr, socklen_t len)
{
	char memory[1024];
	struct hostent entry, *res;
	int error = 0, ret = ERANGE;
	size_t size;

	for (size = 0; ret == ERANGE && size < sizeof(memory); size++) {
		memset(memory, '#', sizeof(memory));
		ret = is_reverse
			      ? gethostbyaddr_r(addr, len, family, &entry,
						memory + 1, size, &res, &error)
			      : gethostbyname2_r(argument, family, &entry,
						 memory + 1, size, &res,
						 &error);
		for (size_t i = size + 1; i < sizeof(memory); i++)
			MUST(memory[i] == '#');
		MUST(memory[0] == '#' &&
		     (ret != ERANGE || (!res && error == -1)));
	}
	MUST(res || h_errno == error); /* CPython reads this one */
	say("%d %s", ret, res ? "found" : hstrerror(error));
	MUST(size > (res ? 20 : 0));
	if (res)
		tell(res);
}

static void play(void)
{
	char addr[16] = { 0 };
	socklen_t len;

	if (strchr(mode, '6'))
		family = AF_INET6;
	len = family == AF_INET ? 4 : 16;
	if (strcmp(mode, "name") == 0)
		tell(gethostbyname(argument));
	else if (strncmp(mode, "name2", 5) == 0)
		tell(gethostbyname2(argument, family));
	else if (strncmp(mode, "name_r", 6) == 0)
		grow(false, NULL, 0);
	MUST(strncmp(mode, "name", 4) == 0 ||
	     inet_pton(family, argument, addr) == 1);
	if (strncmp(mode, "addr_r", 6) == 0)
		grow(true, addr, len);
	else if (strncmp(mode, "addr", 4) == 0)
		tell(gethostbyaddr(addr, len, family));
}
