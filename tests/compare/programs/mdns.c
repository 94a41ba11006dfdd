/* SPDX-License-Identifier: MIT */
/* A question by multicast, as for a name that ends in .local. */
#include "trace.h"

static void play(void)
{
	struct sockaddr_in group = { .sin_family = AF_INET,
				     .sin_port = htons(5353) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	MUST(fd >= 0);
	inet_pton(AF_INET, "224.0.0.251", &group.sin_addr);
	TRY(sendto(fd, "x", 1, 0, (struct sockaddr *)&group, sizeof(group)));
}
