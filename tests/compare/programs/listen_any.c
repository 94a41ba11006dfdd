/* SPDX-License-Identifier: MIT */
/* A server on all addresses is reached by loopback. */
#include "trace.h"

static void play(void)
{
	struct sockaddr_in own = { .sin_family = AF_INET };
	socklen_t n = sizeof(own);
	int listener = tcp(0), fd = tcp(0);

	TRY(bind(listener, (struct sockaddr *)&own, sizeof(own)));
	TRY(listen(listener, 5));
	MUST(getsockname(listener, (struct sockaddr *)&own, &n) == 0);
	own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	MUST(connect(fd, (struct sockaddr *)&own, n) == 0);
	TRY(accept(listener, (struct sockaddr *)&own, &n) >= 0);
}
