/* SPDX-License-Identifier: MIT */
/* getnameinfo() on the address of a name, ARGUMENT, and on others. */
#include "trace.h"

static struct sockaddr_storage where;
static socklen_t where_len = sizeof(struct sockaddr_in);

static void ask(socklen_t host_len, socklen_t serv_len, int flags)
{
	char host[256] = "untouched", serv[32] = "untouched";
	int ret = getnameinfo((struct sockaddr *)&where, where_len,
			      host_len ? host : NULL, host_len,
			      serv_len ? serv : NULL, serv_len, flags);

	say("%s: %s %s", eai(ret), ret ? "" : host, ret ? "" : serv);
}

static void ask_all(void)
{
	ask(256, 32, 0);
	ask(256, 32, NI_NUMERICSERV);
	ask(256, 0, NI_NAMEREQD);
	ask(256, 32, NI_NUMERICHOST | NI_NUMERICSERV);
	ask(0, 32, NI_NUMERICSERV);
	ask(0, 0, 0);
	ask(1, 32, 0);
	ask(10, 32, NI_NUMERICSERV);
	ask(9, 32, NI_NUMERICSERV);
	where_len--;
	ask(256, 32, 0);
	where_len++;
}

static void play(void)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list;

	hints.ai_family = is_mode("6") ? AF_INET6 : AF_INET;
	MUST(getaddrinfo(argument, "80", &hints, &list) == 0);
	memcpy(&where, list->ai_addr, list->ai_addrlen);
	where_len = list->ai_addrlen;
	freeaddrinfo(list);
	ask_all();
	where = dest;
	where_len = dest_len;
	ask_all();
}
