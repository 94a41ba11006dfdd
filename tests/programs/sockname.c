/* SPDX-License-Identifier: MIT */
/* The local address that bind gave stays, and connect gives one otherwise. */
#include "trace.h"

static int port_of(int fd)
{
	struct sockaddr_storage own = { 0 };
	socklen_t n = sizeof(own);

	MUST(getsockname(fd, (struct sockaddr *)&own, &n) == 0);
	MUST(n == dest_len && own.ss_family == dest.ss_family);
	return ntohs(((struct sockaddr_in *)&own)->sin_port);
}

static void play(void)
{
	struct sockaddr_storage any = { .ss_family = dest.ss_family };
	int fd = tcp(SOCK_NONBLOCK), free_fd = tcp(SOCK_NONBLOCK), port;

	TRY(port_of(fd));
	MUST(bind(fd, (struct sockaddr *)&any, dest_len) == 0);
	port = port_of(fd);
	MUST(connect(fd, DEST) < 0 && connect(free_fd, DEST) < 0);
	TRY(port_of(fd) == port);
	go();
	await(fd);
	await(free_fd);
	if (!peer_is_dest(fd))
		return;
	TRY(port_of(fd) == port);
	TRY(port_of(free_fd) > 0);
	TRY(echoes(fd));
}
