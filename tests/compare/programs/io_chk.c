/* SPDX-License-Identifier: MIT */
/* read() and recv() as _FORTIFY_SOURCE makes them, on a pending socket. */
#include "trace.h"

ssize_t __read_chk(int, void *, size_t, size_t);
ssize_t __recv_chk(int, void *, size_t, size_t, int);
ssize_t __recvfrom_chk(int, void *, size_t, size_t, int, struct sockaddr *,
		       socklen_t *);

static void play(void)
{
	int fd = pending();
	char byte;

	TRY(__read_chk(fd, &byte, 1, 1));
	TRY(__recv_chk(fd, &byte, 1, 1, 0));
	TRY(__recvfrom_chk(fd, &byte, 1, 1, 0, NULL, NULL));
	go();
	tell_end(fd);
	TRY(__read_chk(fd, &byte, 1, 1));
	TRY(__recv_chk(fd, &byte, 1, 1, 0));
}
