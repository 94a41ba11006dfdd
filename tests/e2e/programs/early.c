/* SPDX-License-Identifier: MIT */
/* A library that resolves and connects before main(), and before we are ready.
 */
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

__attribute__((constructor(101))) static void early(void)
{
	struct addrinfo *list, hints = { .ai_socktype = SOCK_STREAM };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char byte = 'x';

	if (!getenv("EARLY_PORT"))
		return;
	if (getaddrinfo("site.test", getenv("EARLY_PORT"), &hints, &list) ||
	    connect(fd, list->ai_addr, list->ai_addrlen) ||
	    write(fd, &byte, 1) != 1 || read(fd, &byte, 1) != 1)
		puts("early: failed");
	else
		puts("early: came back");
	fflush(stdout);
	close(fd);
}
