/* SPDX-License-Identifier: MIT */
/* How far the SYN of a connecting socket may go is nobody's affair. */
#include "trace.h"

static void play(void)
{
	struct pollfd one = { .fd = pending(), .events = POLLOUT };
	int most = 255;

	TRY(setsockopt(one.fd, IPPROTO_IP, IP_TTL, &most, sizeof(most)));
	/* As long as it takes for the SYN to be sent again. */
	TRY(poll(&one, 1, 1500));
	go();
	TRY(await(one.fd));
	TRY(peer_is_dest(one.fd));
	TRY(echoes(one.fd));
}
