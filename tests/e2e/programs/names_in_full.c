/* SPDX-License-Identifier: MIT */
/*
 * getaddrinfo, getnameinfo or the gethostby* family, as the argument says, with
 * every combination of what they can be given. An address of site.test is told
 * as "@", for which one it is differs from place to place.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define OR_NULL(text) ((text) ? (text) : "NULL")

static struct in_addr remote;

static const char *spell(int family, const void *ip)
{
	static char text[64];

	if (family == AF_INET && memcmp(ip, &remote, 4) == 0)
		return "@";
	if (family == AF_INET6 &&
	    memcmp((const char *)ip + 12, &remote, 4) == 0)
		return "::ffff:@";
	return inet_ntop(family, ip, text, sizeof(text));
}

static void tell_list(const struct addrinfo *list)
{
	for (; list; list = list->ai_next) {
		struct sockaddr_in6 *in6 = (void *)list->ai_addr;
		struct sockaddr_in *in = (void *)list->ai_addr;

		printf(" %d/%d/%d/%x:%s:%d:%s", list->ai_family,
		       list->ai_socktype, list->ai_protocol, list->ai_flags,
		       list->ai_family == AF_INET6
			       ? spell(AF_INET6, &in6->sin6_addr)
			       : spell(AF_INET, &in->sin_addr),
		       ntohs(in->sin_port), OR_NULL(list->ai_canonname));
	}
}

static void ask(const char *node, const char *service,
		const struct addrinfo *hints)
{
	struct addrinfo *list = NULL;
	int ret = getaddrinfo(node, service, hints, &list);

	printf("%s %s ", OR_NULL(node), OR_NULL(service));
	if (hints)
		printf("%d/%d/%d/%x", hints->ai_family, hints->ai_socktype,
		       hints->ai_protocol, hints->ai_flags);
	printf(": %s", ret ? gai_strerror(ret) : "ok");
	if (ret == 0) {
		tell_list(list);
		freeaddrinfo(list);
	}
	printf("\n");
}

static void addrinfo(void)
{
	static const char *const nodes[] = { NULL,	   "",
					     "site.test",  "SITE.test.",
					     "1.2.3",	   "0x7f.1",
					     "127.0.0.1",  "::1",
					     "fe80::1%lo", "::1%nowhere",
					     "1.2.3.4.5",  "256.1.1.1",
					     "localhost",  "ALIAS",
					     "no name",	   "a..b" };
	static const char *const services[] = { NULL,	"",	"80", "http",
						"tftp", "none", "-1", "65536" };
	static const int flags[] = { 0,
				     AI_PASSIVE,
				     AI_CANONNAME,
				     AI_NUMERICHOST,
				     AI_NUMERICSERV,
				     AI_V4MAPPED,
				     AI_V4MAPPED | AI_ALL,
				     AI_ADDRCONFIG,
				     AI_CANONNAME | AI_NUMERICHOST,
				     0x8000 };
	static const int kinds[][2] = { { 0, 0 },
					{ SOCK_STREAM, 0 },
					{ SOCK_DGRAM, 0 },
					{ SOCK_RAW, 0 },
					{ 0, IPPROTO_UDP },
					{ SOCK_STREAM, 17 },
					{ SOCK_SEQPACKET, 0 } };
	static const int families[] = { AF_UNSPEC, AF_INET, AF_INET6, AF_UNIX };

	for (size_t n = 0; n < COUNT(nodes); n++)
		for (size_t s = 0; s < COUNT(services); s++) {
			ask(nodes[n], services[s], NULL);
			for (size_t i = 0;
			     i < COUNT(flags) * COUNT(kinds) * COUNT(families);
			     i++) {
				const int *kind =
					kinds[i / COUNT(flags) % COUNT(kinds)];
				struct addrinfo hints = {
					.ai_flags = flags[i % COUNT(flags)],
					.ai_family = families[i / COUNT(flags) /
							      COUNT(kinds)],
					.ai_socktype = kind[0],
					.ai_protocol = kind[1],
				};

				/* site.test has no address of IPv6 there, and
				 * one of its own here. */
				if (hints.ai_family == AF_INET6 && nodes[n] &&
				    strncasecmp(nodes[n], "site", 4) == 0)
					continue;
				ask(nodes[n], services[s], &hints);
			}
		}
}

static void ask_back(const char *what, const void *addr, socklen_t len,
		     socklen_t host_len, socklen_t serv_len, int flags)
{
	char host[256] = "-", serv[64] = "-";
	int ret = getnameinfo(addr, len, host_len ? host : NULL, host_len,
			      serv_len ? serv : NULL, serv_len, flags);
	struct in_addr in;

	if (inet_pton(AF_INET, host, &in) == 1 && in.s_addr == remote.s_addr)
		strcpy(host, "@");
	printf("%s %u %u %u %x: %s %s %s\n", what, len, host_len, serv_len,
	       flags, ret ? gai_strerror(ret) : "ok",
	       ret && host_len == 1 ? "?" : host, ret ? "?" : serv);
}

static void nameinfo(void)
{
	static const int flags[] = { 0,
				     NI_NUMERICHOST,
				     NI_NUMERICSERV,
				     NI_NUMERICHOST | NI_NUMERICSERV,
				     NI_NAMEREQD,
				     NI_NAMEREQD | NI_NUMERICHOST,
				     NI_DGRAM,
				     NI_NOFQDN,
				     0x4000 };
	static const char *const names[] = {
		"127.0.0.1",	     "192.0.2.99", "::1", "::ffff:127.0.0.1",
		"::ffff:192.0.2.99", "fe80::1",	   "::",  "@"
	};
	static const socklen_t rooms[][2] = {
		{ 256, 64 }, { 256, 0 }, { 0, 64 }, { 0, 0 },
		{ 1, 64 },   { 256, 1 }, { 9, 64 }, { 10, 64 },
	};

	for (size_t n = 0; n < COUNT(names); n++) {
		struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
					    .sin6_port = htons(512),
					    .sin6_scope_id = 1 };
		struct sockaddr_in in = { .sin_family = AF_INET,
					  .sin_port = htons(512),
					  .sin_addr = remote };
		bool is_six = inet_pton(AF_INET6, names[n], &in6.sin6_addr) ==
			      1;
		void *addr = is_six ? (void *)&in6 : &in;
		socklen_t len = is_six ? sizeof(in6) : sizeof(in);

		if (!is_six && names[n][0] != '@')
			inet_pton(AF_INET, names[n], &in.sin_addr);
		for (size_t i = 0; i < COUNT(flags); i++) {
			/* Numbers of different lengths want other rooms. */
			for (size_t r = 0; r < COUNT(rooms); r++)
				if (names[n][0] != '@' || rooms[r][0] > 10 ||
				    !(flags[i] & NI_NUMERICHOST))
					ask_back(names[n], addr, len,
						 rooms[r][0], rooms[r][1],
						 flags[i]);
			ask_back(names[n], addr, len - 1, 256, 64, flags[i]);
			ask_back(names[n], addr, len + 8, 256, 64, flags[i]);
			ask_back(names[n], addr, 0, 256, 64, flags[i]);
			ask_back(names[n], addr, 1, 256, 64, flags[i]);
		}
		in.sin_family = in6.sin6_family = AF_UNSPEC;
		ask_back(names[n], addr, len, 256, 64, 0);
	}
}

static void tell_entry(const struct hostent *entry, int error)
{
	if (!entry) {
		printf(" h_errno %d\n", error);
		return;
	}
	printf(" %s %d/%d", entry->h_name, entry->h_addrtype, entry->h_length);
	for (char **at = entry->h_addr_list; *at; at++)
		printf(" %s", spell(entry->h_addrtype, *at));
	printf("\n");
}

static void by_addr(const char *what, const void *ip, socklen_t len, int family)
{
	struct hostent entry, *got = NULL;
	char memory[1024];
	int ret, error = 0;

	printf("%s %u %d:", what, len, family);
	got = gethostbyaddr(ip, len, family);
	tell_entry(got, h_errno);
	ret = gethostbyaddr_r(ip, len, family, &entry, memory, sizeof(memory),
			      &got, &error);
	printf("  %d %d:", ret, got == &entry);
	tell_entry(got, error);
	if (!got) /* glibc may want room even to say so */
		return;
	ret = gethostbyaddr_r(ip, len, family, &entry, memory, 1, &got, &error);
	printf("  little room: %d %d\n", ret, got != NULL);
}

static void hostent(void)
{
	static const char *const names[] = {
		"site.test", "SITE.TEST", "site.test.", "127.0.0.1", "1.2.3",
		"127.1",     "256.1.1.1", "localhost",	"ALIAS",     "a..b",
		".",	     "1.2.3.4.5", "::1"
	};
	struct in6_addr six = IN6ADDR_LOOPBACK_INIT;
	struct in_addr four = { htonl(INADDR_LOOPBACK) },
		       none = { inet_addr("192.0.2.99") };

	for (size_t i = 0; i < COUNT(names); i++) {
		struct hostent entry, *got = NULL;
		char memory[1024];
		int ret, error = 0;

		printf("%s:", names[i]);
		got = gethostbyname(names[i]);
		tell_entry(got, h_errno);
		ret = gethostbyname_r(names[i], &entry, memory, sizeof(memory),
				      &got, &error);
		printf("  %d %d:", ret, got == &entry);
		tell_entry(got, error);
	}
	by_addr("127.0.0.1", &four, 4, AF_INET);
	by_addr("192.0.2.99", &none, 4, AF_INET);
	by_addr("@", &remote, 4, AF_INET);
	by_addr("::1", &six, 16, AF_INET6);
	by_addr("127.0.0.1", &four, 4, AF_INET6);
	by_addr("127.0.0.1", &four, 3, AF_INET);
	by_addr("127.0.0.1", &four, 4, AF_UNIX);
}

int main(int argc, char **argv)
{
	struct hostent *entry = gethostbyname("site.test");

	if (argc != 2 || !entry)
		return 2;
	memcpy(&remote, entry->h_addr_list[0], sizeof(remote));
	if (strcmp(argv[1], "addrinfo") == 0)
		addrinfo();
	else if (strcmp(argv[1], "nameinfo") == 0)
		nameinfo();
	else
		hostent();
	printf("EXIT-SUCCESS\n");
	return 0;
}
