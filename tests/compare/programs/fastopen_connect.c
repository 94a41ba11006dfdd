/* SPDX-License-Identifier: MIT */
/* TCP_FASTOPEN_CONNECT: connect() succeeds at once, the first bytes open the
 * connection. */
#include "trace.h"

static void play(void)
{
	int fd = tcp(0), on = 1;
	char byte;

	TRY(setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof(on)));
	TRY(connect(fd, DEST));
	TRY(send(fd, "x", 1, MSG_NOSIGNAL));
	TRY(recv(fd, &byte, 1, 0));
	TRY(peer_is_dest(fd));
}
