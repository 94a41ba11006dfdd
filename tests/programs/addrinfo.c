/* SPDX-License-Identifier: MIT */
/*
 * getaddrinfo() as asked for.
 *
 * MODE is the node, ARGUMENT the service; then follow the family, the flags
 * and the socket type. "-" is NULL, for the family: no hints.
 */
#include "trace.h"

static const char *or_null(const char *text)
{
	return strcmp(text, "-") ? text : NULL;
}

static void tell(const struct addrinfo *one)
{
	char host[64] = "?", serv[16] = "?";

	getnameinfo(one->ai_addr, one->ai_addrlen, host, sizeof(host), serv,
		    sizeof(serv), NI_NUMERICHOST | NI_NUMERICSERV);
	say("%s %d/%d %s %s%s%s",
	    one->ai_family == AF_INET	 ? "inet"
	    : one->ai_family == AF_INET6 ? "inet6"
					 : "?",
	    one->ai_socktype, one->ai_protocol, host, serv,
	    one->ai_canonname ? " " : "",
	    one->ai_canonname ? one->ai_canonname : "");
}

static void play(void)
{
	struct addrinfo hints = { 0 }, *list = NULL, *one;
	char label[300];
	int ret;

	hints.ai_family = atoi(arguments[5]);
	hints.ai_flags = atoi(arguments[6]);
	hints.ai_socktype = atoi(arguments[7]);
	/* @N: a name of N bytes */
	if (*mode == '@') {
		size_t n = (size_t)atoi(mode + 1);

		for (size_t i = 0; i < n; i++)
			label[i] = i % 50 == 49 && i + 1 < n ? '.' : 'a';
		label[n] = '\0';
		mode = label;
	}
	errno = UNTOUCHED;
	ret = getaddrinfo(or_null(mode), or_null(argument),
			  *arguments[5] == '-' ? NULL : &hints, &list);
	say("%s%s", eai(ret),
	    ret == 0 && errno != UNTOUCHED ? ", errno changed" : "");
	for (one = ret ? NULL : list; one; one = one->ai_next)
		tell(one);
	if (ret == 0)
		freeaddrinfo(list);
}
