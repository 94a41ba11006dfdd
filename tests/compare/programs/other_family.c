/* SPDX-License-Identifier: MIT */
/* An IPv4 socket does not take an IPv6 address that holds its own. */
#include "trace.h"

static void play(void)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
				    .sin6_port = htons(7) };
	int fd = tcp(0);

	memset(in6.sin6_addr.s6_addr + 10, 0xff, 2);
	memcpy(in6.sin6_addr.s6_addr + 12,
	       &((struct sockaddr_in *)&dest)->sin_addr, 4);
	TRY(connect(fd, (struct sockaddr *)&in6, sizeof(in6)));
	TRY(connect(fd, DEST));
	TRY(echoes(fd));
}
