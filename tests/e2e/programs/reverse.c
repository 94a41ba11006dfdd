/* SPDX-License-Identifier: MIT */
/*
 * usage: reverse ADDRESS
 *        reverse NAME TYPE
 *
 * Print the address's name, or why there is none; or, asked by libc's own
 * resolver, how many records of a type the name has, or h_errno.
 */
#include <arpa/nameser.h>
#include <netdb.h>
#include <resolv.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

static int query(const char *name, int type)
{
	unsigned char answer[1024];
	int n = res_query(name, ns_c_in, type, answer, sizeof(answer));

	if (n < 0)
		printf("h_errno %d\n", h_errno);
	else
		printf("%d\n", answer[6] << 8 | answer[7]);
	return 0;
}

int main(int argc, char **argv)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST,
				  .ai_socktype = SOCK_STREAM };
	struct addrinfo *list;
	char host[256];
	int ret;

	if (argc == 3)
		return query(argv[1], atoi(argv[2]));
	if (argc != 2 || getaddrinfo(argv[1], "80", &hints, &list) != 0)
		return 2;
	ret = getnameinfo(list->ai_addr, list->ai_addrlen, host, sizeof(host),
			  NULL, 0, NI_NAMEREQD);
	freeaddrinfo(list);
	puts(ret ? gai_strerror(ret) : host);
	return 0;
}
