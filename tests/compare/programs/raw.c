/* SPDX-License-Identifier: MIT */
/* An echo request of ICMP by a raw socket. */
#include "trace.h"

static void play(void)
{
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);

	MUST(fd >= 0);
	TRY(sendto(fd, "\10\0\367\377\0\0\0\0", 8, 0, DEST));
}
