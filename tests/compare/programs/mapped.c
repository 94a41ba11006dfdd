/* SPDX-License-Identifier: MIT */
/* The IPv4 address of a name, MODE, in IPv6 dress, as a dual-stack program has
 * it. */
#include "trace.h"

static void play(void)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
				    .sin6_port = htons(7) };
	struct hostent *entry = gethostbyname(mode);
	int fd = socket(AF_INET6, SOCK_STREAM, 0);

	MUST(entry && fd >= 0);
	memset(in6.sin6_addr.s6_addr + 10, 0xff, 2);
	memcpy(in6.sin6_addr.s6_addr + 12, entry->h_addr_list[0], 4);
	TRY(connect(fd, (struct sockaddr *)&in6, sizeof(in6)));
	TRY(echoes(fd));
}
