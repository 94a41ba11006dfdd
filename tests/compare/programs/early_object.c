/* SPDX-License-Identifier: MIT */
/* Preloaded: connects and looks up a name in its constructor, before main(). */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>

__attribute__((constructor)) static void begin(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(7) };
	struct hostent *entry = gethostbyname("site.test");
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, "198.51.100.7", &in.sin_addr);
	dprintf(1, "constructor: %s\n", entry ? "found" : "no such host");
	dprintf(1, "constructor: %d\n",
		connect(fd, (struct sockaddr *)&in, sizeof(in)));
}
