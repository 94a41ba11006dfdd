/* SPDX-License-Identifier: MIT */
/* The address of a name, MODE, is one that programs take for a host's. */
#include "trace.h"

static void play(void)
{
	struct hostent *entry = gethostbyname(mode);
	in_addr_t address;

	MUST(entry);
	memcpy(&address, entry->h_addr_list[0], sizeof(address));
	address = ntohl(address);
	say("multicast: %d", IN_MULTICAST(address));
	say("experimental: %d", IN_EXPERIMENTAL(address));
	say("loopback: %d", address >> 24 == 127);
	say("this network: %d", address >> 24 == 0);
	MUST((entry = gethostbyname2("six.test", AF_INET6)));
	say("IPv6 multicast: %d",
	    IN6_IS_ADDR_MULTICAST((struct in6_addr *)entry->h_addr_list[0]));
	say("IPv6 link-local: %d",
	    IN6_IS_ADDR_LINKLOCAL((struct in6_addr *)entry->h_addr_list[0]));
}
