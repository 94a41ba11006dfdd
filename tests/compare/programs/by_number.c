/* SPDX-License-Identifier: MIT */
/* connect() and sendto() by their numbers, and numbers that are nobody's
 * business. */
#include <sys/syscall.h>

#include "trace.h"

static void play(void)
{
	int fd = tcp(0);

	TRY(syscall(SYS_getpid) == getpid());
	TRY(syscall(SYS_memfd_create, "x", 0) >= 0);
	TRY(syscall(SYS_sched_yield));
	TRY(syscall(SYS_connect, fd, DEST));
	TRY(syscall(SYS_sendto, fd, "x", 1, MSG_NOSIGNAL, NULL, 0));
	TRY(peer_is_dest(fd));
}
