/* SPDX-License-Identifier: MIT */
// sources: csrc/preload/names.c csrc/preload/channel.c
// sources: csrc/preload/listener.c csrc/preload/proof.c
// sources: csrc/preload/lifeline.c csrc/preload/fdtable.c csrc/preload/guard.c
#include "preload/names.h"

#include "tap.h"

static bool means_the_same(const char *text, const struct pw_addr *addr)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_CANONNAME,
				  .ai_socktype = SOCK_STREAM };
	struct addrinfo *list;
	const void *ip;
	bool same;

	hints.ai_family = addr->family;
	if (getaddrinfo(text, "80", &hints, &list))
		return false;
	ip = addr->family == AF_INET
		     ? (void *)&((struct sockaddr_in *)list->ai_addr)->sin_addr
		     : (void *)&((struct sockaddr_in6 *)list->ai_addr)
			       ->sin6_addr;
	same = memcmp(ip, addr->ip, addr->family == AF_INET ? 4 : 16) == 0 &&
	       !list->ai_next && strlen(list->ai_canonname) >= strlen(text);
	if (addr->family == AF_INET6)
		same &= ((struct sockaddr_in6 *)list->ai_addr)->sin6_scope_id ==
			0;
	freeaddrinfo(list);
	return same;
}

static void test_numeric(const struct pw_addr *addr, const char *what)
{
	for (size_t n = 0; n <= PW_SPELLED_BYTES; n++) {
		const size_t size = PW_NUMBER_BYTES + n;
		char text[PW_NUMBER_BYTES + PW_SPELLED_BYTES + 1];

		memset(text, 1, sizeof(text));
		pw_numeric(addr, n, size, text);
		ok(memchr(text, '\0', size) && text[size] == 1,
		   "%s for %zu: it fits", what, n);
		ok(strlen(text) >= n, "%s for %zu: long enough", what, n);
		ok(means_the_same(text, addr),
		   "%s for %zu: taken, and the same: %s", what, n, text);
	}
}

static void test_impossible_names(void)
{
	struct pw_reply reply;
	char name[600];

	memset(name, 'a', sizeof(name));
	name[599] = '\0';
	is(pw_resolve(name, AF_INET, &reply), -ENOENT,
	   "a name that no request holds");
	name[PW_NAME_BYTES] = '\0';
	is(pw_resolve(name, AF_INET, &reply), -ENOENT, "also by one byte");
	is(pw_resolve("site.test", AF_INET, &reply), -EAGAIN,
	   "without a helper, nothing can be said");
	is(pw_reverse(&(struct pw_addr){ .family = AF_INET }, &reply), -EAGAIN,
	   "nor of an address");
}

int main(void)
{
	static const struct pw_addr addrs[] = {
		{ .family = AF_INET, .ip = { 198, 18, 0, 1 } },
		{ .family = AF_INET, .ip = { 0, 0, 0, 0 } },
		{ .family = AF_INET, .ip = { 255, 255, 255, 255 } },
		{ .family = AF_INET, .ip = { 8, 9, 10, 64 } },
		{ .family = AF_INET6,
		  .ip = { 0xfd, 0x70, 0x72, 0x6f, [15] = 1 } },
		{ .family = AF_INET6, .ip = { [0 ... 15] = 0xff } },
		{ .family = AF_INET6,
		  .ip = { [10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1 } },
		{ .family = AF_INET6 },
	};

	for (size_t i = 0; i < sizeof(addrs) / sizeof(addrs[0]); i++)
		test_numeric(&addrs[i],
			     addrs[i].family == AF_INET ? "IPv4" : "IPv6");
	test_impossible_names();
	return tap_end();
}
