/* SPDX-License-Identifier: MIT */
/*
 * A name, ARGUMENT, is looked up by the function MODE; what comes of it leads
 * to where the name does.
 */
#include <arpa/nameser.h>
#include <resolv.h>

#include "trace.h"

static struct in_addr found;
static bool has_aliases = true;

static bool take(const struct hostent *entry)
{
	if (!entry || entry->h_addrtype != AF_INET)
		return false;
	memcpy(&found, entry->h_addr_list[0], sizeof(found));
	has_aliases = entry->h_aliases;
	return true;
}

static bool take_list(const struct addrinfo *list)
{
	for (; list; list = list->ai_next)
		if (list->ai_family == AF_INET) {
			found = ((struct sockaddr_in *)list->ai_addr)->sin_addr;
			return true;
		}
	return false;
}

static bool take_answer(const unsigned char *answer, int size)
{
	ns_msg message;
	ns_rr record;

	if (size < 0 || ns_initparse(answer, size, &message) < 0)
		return false;
	for (int i = 0; i < ns_msg_count(message, ns_s_an); i++)
		if (ns_parserr(&message, ns_s_an, i, &record) == 0 &&
		    ns_rr_type(record) == ns_t_a) {
			memcpy(&found, ns_rr_rdata(record), sizeof(found));
			return true;
		}
	return false;
}

static bool by_addrinfo(void)
{
	struct addrinfo hints = { .ai_family = AF_INET,
				  .ai_socktype = SOCK_STREAM },
			*list = NULL;

	return getaddrinfo(argument, "7", is_mode("no-hints") ? NULL : &hints,
			   &list) == 0 &&
	       take_list(list);
}

static bool by_hostent(void)
{
	static char buffer[4096];
	struct hostent entry, *got = NULL;
	int error;

	if (is_mode("gethostbyname"))
		return take(gethostbyname(argument));
	if (is_mode("gethostbyname2"))
		return take(gethostbyname2(argument, AF_INET));
	if (is_mode("gethostbyname_r"))
		gethostbyname_r(argument, &entry, buffer, sizeof(buffer), &got,
				&error);
	else
		gethostbyname2_r(argument, AF_INET, &entry, buffer,
				 sizeof(buffer), &got, &error);
	return take(got);
}

static int make_query(unsigned char *query, int room)
{
	return res_mkquery(ns_o_query, argument, ns_c_in, ns_t_a, NULL, 0, NULL,
			   query, room);
}

static bool by_resolver(void)
{
	unsigned char answer[1024], query[512];
	int size;

	if (is_mode("res_query"))
		size = res_query(argument, ns_c_in, ns_t_a, answer,
				 sizeof(answer));
	else if (is_mode("res_search"))
		size = res_search(argument, ns_c_in, ns_t_a, answer,
				  sizeof(answer));
	else
		size = res_send(query, make_query(query, sizeof(query)), answer,
				sizeof(answer));
	return take_answer(answer, size);
}

static bool by_resolver_state(void)
{
#ifdef __GLIBC__
	struct __res_state state = { 0 };
	unsigned char answer[1024], query[512];
	int size;

	MUST(res_ninit(&state) == 0);
	if (is_mode("res_nsearch"))
		size = res_nsearch(&state, argument, ns_c_in, ns_t_a, answer,
				   sizeof(answer));
	else
		size = res_nsend(&state, query,
				 make_query(query, sizeof(query)), answer,
				 sizeof(answer));
	return take_answer(answer, size);
#else
	return false;
#endif
}

static bool asynchronously(void)
{
#ifdef __GLIBC__
	struct gaicb one = { .ar_name = argument }, *all = &one;

	return getaddrinfo_a(GAI_WAIT, &all, 1, NULL) == 0 &&
	       gai_error(&one) == 0 && take_list(one.ar_result);
#else
	return false;
#endif
}

static bool look_up(void)
{
	if (is_mode("getaddrinfo_a"))
		return asynchronously();
	if (strncmp(mode, "res_", 4) == 0)
		return mode[4] == 'n' ? by_resolver_state() : by_resolver();
	if (strncmp(mode, "gethost", 7) == 0)
		return by_hostent();
	return by_addrinfo();
}

static void play(void)
{
	char text[INET_ADDRSTRLEN];
	int fd;

	say("look up: %s", look_up() ? "found" : "no such host");
	say("aliases: %s", has_aliases ? "a list" : "NULL");
	((struct sockaddr_in *)&dest)->sin_addr = found;
	say("address: %s", inet_ntop(AF_INET, &found, text, sizeof(text)));
	fd = tcp(0);
	TRY(connect(fd, DEST));
	TRY(echoes(fd));
}
