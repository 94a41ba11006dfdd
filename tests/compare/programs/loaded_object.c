/* SPDX-License-Identifier: MIT */
/* An object that is loaded later and connects, after a name was looked up. */
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

int talk(const struct sockaddr *where, socklen_t n);

int talk(const struct sockaddr *where, socklen_t n)
{
	int fd = socket(where->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char byte = 'x';

	if (!gethostbyname("site.test"))
		return -1;
	if (connect(fd, where, n) < 0 || write(fd, &byte, 1) != 1)
		return -2;
	return (int)read(fd, &byte, 1);
}
