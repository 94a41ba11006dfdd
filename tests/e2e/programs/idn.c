/* SPDX-License-Identifier: MIT */
/*
 * Names beyond ASCII, in the locale of the environment: getaddrinfo() with what
 * AI_IDN and AI_CANONIDN add, getnameinfo() with NI_IDN. The address of such a
 * name is not told, for which one it is differs from place to place.
 */
#include <locale.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void ask(const char *node, int flags)
{
	struct addrinfo hints = { .ai_flags = flags,
				  .ai_family = AF_INET,
				  .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;
	int ret;

	ret = getaddrinfo(node, "80", &hints, &list);
	printf("%s %x: %d", node, flags, ret);
	if (ret == 0) {
		printf(" %x %s%s", list->ai_flags,
		       list->ai_canonname ? list->ai_canonname : "-",
		       list->ai_next ? " ..." : "");
		freeaddrinfo(list);
	}
	printf("\n");
}

static void ask_back(const char *name)
{
	static const socklen_t rooms[] = { 256, 12, 13, 17, 18, 19 };
	struct addrinfo hints = { .ai_family = AF_INET,
				  .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;
	char host[256];

	if (getaddrinfo(name, "80", &hints, &list)) {
		printf("no address of %s\n", name);
		return;
	}
	for (size_t i = 0; i < COUNT(rooms); i++)
		for (int flags = NI_NUMERICSERV;
		     flags <= (NI_NUMERICSERV | NI_IDN); flags += NI_IDN) {
			int ret = getnameinfo(list->ai_addr, list->ai_addrlen,
					      host, rooms[i], NULL, 0, flags);

			printf("%s back, %u %x: %d %s\n", name, rooms[i], flags,
			       ret, ret ? "" : host);
		}
	freeaddrinfo(list);
}

int main(void)
{
	static const char *const nodes[] = {
		"b\303\274cher.test", /* bücher */
		"B\303\234CHER.test.",
		"fa\303\237.test",		 /* faß: no ss since 2010 */
		"b\303\274cher\343\200\202test", /* an ideographic full stop */
		"\357\274\221\357\274\222\357\274\227.0.0.1", /* wide digits */
		"b\374cher.test",			      /* Latin-1 */
		"b\303\274cher\\x.test",
		"b\303\274 cher.test",
		"\342\230\203.test", /* a snowman */
		"\303\274..test",
		"\314\210a.test", /* begins with a combining mark */
		"xn--bcher-kva.test",
		"XN--BCHER-KVA.test",
		"xn--99999999.test",
		"site.test",
		"127.0.0.1",
	};
	static const int flags[] = {
		AI_IDN,
		AI_IDN | AI_CANONNAME,
		AI_CANONIDN | AI_CANONNAME,
		AI_IDN | AI_CANONIDN,
		AI_IDN | AI_CANONIDN | AI_CANONNAME,
		AI_IDN | AI_CANONIDN | AI_CANONNAME | AI_NUMERICHOST,
	};

	setlocale(LC_ALL, "");
	for (size_t n = 0; n < COUNT(nodes); n++)
		for (size_t i = 0; i < COUNT(flags); i++) {
			/* What asks for the name as it stands: the server has
			 * no such name, a proxy might. */
			if (nodes[n][0] != 'x' && nodes[n][0] != 'X' &&
			    !(flags[i] & AI_IDN) && n < 11)
				continue;
			ask(nodes[n], flags[i]);
		}
	ask_back("xn--bcher-kva.test");
	ask_back("site.test");
	puts("EXIT-SUCCESS");
	return 0;
}
