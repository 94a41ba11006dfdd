/* SPDX-License-Identifier: MIT */
/* usage: reverse ADDRESS: print its name, or why there is none. */
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST,
				  .ai_socktype = SOCK_STREAM };
	struct addrinfo *list;
	char host[256];
	int ret;

	if (argc != 2 || getaddrinfo(argv[1], "80", &hints, &list) != 0)
		return 2;
	ret = getnameinfo(list->ai_addr, list->ai_addrlen, host, sizeof(host),
			  NULL, 0, NI_NAMEREQD);
	freeaddrinfo(list);
	puts(ret ? gai_strerror(ret) : host);
	return 0;
}
