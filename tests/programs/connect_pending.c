/* SPDX-License-Identifier: MIT */
/* All that a pending socket says of itself, and what it says once it is over.
 */
#include "trace.h"

static void play(void)
{
	struct sockaddr_storage peer;
	struct sockaddr_in other = { .sin_family = AF_INET, .sin_port = 9 };
	socklen_t n = sizeof(peer);
	int fd = tcp(SOCK_NONBLOCK), error = 7, i;
	char byte = 5;

	TRY(connect(fd, DEST));
	TRY(connect(fd, DEST));
	other.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (dest.ss_family == AF_INET)
		TRY(connect(fd, (struct sockaddr *)&other, sizeof(other)));
	for (i = 0; i < 2; i++) {
		n = sizeof(error);
		TRY(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n));
		say("error %d, %u bytes", error, n);
	}
	n = 1;
	TRY(getsockopt(fd, SOL_SOCKET, SO_ERROR, &byte, &n));
	say("byte %d, %u bytes", byte, n);
	n = sizeof(error);
	TRY(getsockopt(fd, SOL_SOCKET, SO_ERROR, (void *)8, &n));
	TRY(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, (void *)8));
	n = sizeof(error);
	TRY(getsockopt(fd, SOL_SOCKET, SO_TYPE, &error, &n));
	n = sizeof(peer);
	TRY(getpeername(fd, (struct sockaddr *)&peer, &n));
	TRY(fcntl(fd, F_GETFL) & O_NONBLOCK);
	go();
	await(fd);
	for (i = 0; i < 2; i++) {
		n = sizeof(error);
		TRY(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n));
		say("error %d, %u bytes", error, n);
	}
	TRY(peer_is_dest(fd));
	TRY(getpeername(fd, (void *)8, &n));
	TRY(getpeername(fd, (struct sockaddr *)&peer, (void *)8));
	n = 3;
	TRY(getpeername(fd, (struct sockaddr *)&peer, &n));
	say("peer %u bytes", n);
	TRY(connect(fd, DEST));
	TRY(connect(fd, DEST));
	TRY(peer_is_dest(fd));
}
