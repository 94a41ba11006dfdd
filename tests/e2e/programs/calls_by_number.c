/* SPDX-License-Identifier: MIT */
/* Another preloaded library: its socket() goes through libc's syscall(). */
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int socket(int domain, int type, int protocol)
{
	return (int)syscall(SYS_socket, domain, type, protocol);
}
