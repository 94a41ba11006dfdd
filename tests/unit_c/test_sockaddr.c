/* SPDX-License-Identifier: MIT */
// sources: csrc/preload/sockaddr.c
#include "preload/sockaddr.h"

#include "tap.h"

#include <arpa/inet.h>
#include <sys/mman.h>
#include <sys/un.h>

static struct sockaddr_in v4(const char *text, int port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)port) };

	inet_pton(AF_INET, text, &in.sin_addr);
	return in;
}

static struct sockaddr_in6 v6(const char *text, int port, unsigned int scope)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
				    .sin6_port = htons((uint16_t)port),
				    .sin6_scope_id = scope };

	inet_pton(AF_INET6, text, &in6.sin6_addr);
	return in6;
}

static struct pw_addr addr(const char *text, int port)
{
	struct sockaddr_in in = v4(text, port);
	struct sockaddr_in6 in6 = v6(text, port, 0);
	struct pw_addr out;

	if (strchr(text, ':'))
		pw_addr_from(&out, &in6, sizeof(in6));
	else
		pw_addr_from(&out, &in, sizeof(in));
	return out;
}

static void test_round_trip(void)
{
	struct sockaddr_in in = v4("192.0.2.1", 8080);
	struct sockaddr_in6 in6 = v6("fe80::1", 443, 7);
	struct sockaddr_storage back;
	struct pw_addr out;
	char odd[64];

	is(pw_addr_from(&out, &in, sizeof(in)), 0, "IPv4 is read");
	is(out.port, 8080, "its port is in host order");
	is(pw_addr_to(&out, &back), sizeof(in), "IPv4 is written");
	ok(memcmp(&back, &in, sizeof(in)) == 0, "as it was read");
	is(pw_addr_from(&out, &in6, sizeof(in6)), 0, "IPv6 is read");
	is(out.scope_id, 7, "with its scope");
	is(pw_addr_to(&out, &back), sizeof(in6), "IPv6 is written");
	ok(memcmp(&back, &in6, sizeof(in6)) == 0, "as it was read");
	memcpy(odd + 1, &in6, sizeof(in6));
	is(pw_addr_from(&out, odd + 1, sizeof(in6)), 0, "of any alignment");
	out.family = 0;
	is(pw_addr_to(&out, &back), 0, "no family, no address");
	is(back.ss_family, 0, "and nothing is left in the memory");
}

static void test_lengths(void)
{
	struct sockaddr_storage big = { 0 };
	struct sockaddr_in in = v4("192.0.2.1", 1);
	struct sockaddr_in6 in6 = v6("2001:db8::1", 1, 9);
	struct pw_addr out;

	for (size_t n = 0; n <= sizeof(in); n++)
		is(pw_addr_from(&out, &in, n), n < 16 ? -EINVAL : 0,
		   "IPv4 in %zu bytes", n);
	for (size_t n = 0; n <= sizeof(in6); n++)
		is(pw_addr_from(&out, &in6, n), n < 24 ? -EINVAL : 0,
		   "IPv6 in %zu bytes", n);
	is(pw_addr_from(&out, &in6, 24), 0, "without a scope");
	is(out.scope_id, 0, "it has none");
	memcpy(&big, &in, sizeof(in));
	is(pw_addr_from(&out, &big, sizeof(big)), 0, "a larger memory will do");
	for (int family = 0; family < 50; family++) {
		big.ss_family = (sa_family_t)family;
		if (family != AF_INET && family != AF_INET6)
			is(pw_addr_from(&out, &big, sizeof(big)), -EAFNOSUPPORT,
			   "family %d", family);
	}
}

static void test_loopback(void)
{
	static const char *const local[] = {
		"127.0.0.1",
		"127.255.255.255",
		"127.0.0.53",
		"0.0.0.0",
		"::1",
		"::",
		"::ffff:127.0.0.1",
		"::ffff:127.9.9.9",
		"::ffff:0.0.0.0",
	};
	static const char *const remote[] = {
		"126.255.255.255",
		"128.0.0.1",
		"0.0.0.1",
		"10.0.0.1",
		"::2",
		"::100",
		"1::",
		"fe80::1",
		"::ffff:128.0.0.1",
		"::127.0.0.1",
		"::fffe:127.0.0.1",
		"1::ffff:127.0.0.1",
		"2001:db8::1",
	};
	struct pw_addr none = { .family = AF_UNIX };

	for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++) {
		struct pw_addr one = addr(local[i], 1);

		ok(pw_addr_is_loopback(&one), "%s is this host", local[i]);
	}
	for (size_t i = 0; i < sizeof(remote) / sizeof(remote[0]); i++) {
		struct pw_addr one = addr(remote[i], 1);

		ok(!pw_addr_is_loopback(&one), "%s is not", remote[i]);
	}
	ok(!pw_addr_is_loopback(&none), "nor is what is no address");
}

static void test_readable(void)
{
	char *page = mmap(NULL, 3 * 4096, PROT_READ,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct sockaddr_storage out;
	uintptr_t near = 0;

	mprotect(page, 4096, PROT_NONE);
	mprotect(page + 8192, 4096, PROT_NONE);
	ok(pw_readable(page + 4096, 4096), "a whole page");
	ok(pw_readable(page + 4096, 1) && pw_readable(page + 8191, 1),
	   "its first and its last byte");
	ok(!pw_readable(page + 4095, 1) && !pw_readable(page + 8192, 1),
	   "not those beside it");
	for (size_t n = 1; n < 64; n++) {
		ok(!pw_readable(page + 4095, n) &&
			   !pw_readable(page + 8192 - n + 1, n),
		   "%zu bytes across an end", n);
		ok(pw_readable(page + 8192 - n, n), "%zu bytes up to the end",
		   n);
	}
	ok(pw_readable((void *)near, 0), "no byte can be read anywhere");
	for (near = 0; near < 16; near++)
		ok(!pw_readable((void *)near, 4), "nothing at %lu",
		   (unsigned long)near);
	ok(!pw_readable((void *)-1L, 1), "nothing at the very end");
	ok(!pw_readable((void *)-4096L, 16), "nor in the kernel");
	is(pw_copy_sockaddr(&out, page + 8192, 16), -EFAULT,
	   "an address there is EFAULT");
	is(pw_copy_sockaddr(&out, page + 8192 - 15, 16), -EFAULT,
	   "also in part");
	is(pw_copy_sockaddr(&out, NULL, 16), -EFAULT, "also at NULL");
	is(pw_copy_sockaddr(&out, page + 4096, sizeof(out) + 1), -EINVAL,
	   "one that is too long is EINVAL");
	is(pw_copy_sockaddr(&out, page + 4096, (size_t)-1), -EINVAL,
	   "also by far");
	is(pw_copy_sockaddr(&out, page + 8192 - 16, 16), 0,
	   "any other is copied");
	is(pw_copy_sockaddr(&out, NULL, 0), 0, "none is nothing");
}

static bool is_resolver(const char *path, size_t more)
{
	struct sockaddr_storage storage = { 0 };
	struct sockaddr_un *un = (struct sockaddr_un *)&storage;

	un->sun_family = AF_UNIX;
	strcpy(un->sun_path, path);
	return pw_is_resolver_path(&storage,
				   offsetof(struct sockaddr_un, sun_path) +
					   strlen(path) + more);
}

static void test_resolver_paths(void)
{
	struct sockaddr_storage inet = { .ss_family = AF_INET };
	struct sockaddr_un un = { .sun_family = AF_UNIX,
				  .sun_path = "\0/run/nscd/socket" };
	struct sockaddr_storage abstract = { 0 };

	ok(is_resolver("/run/nscd/socket", 1), "nscd");
	ok(is_resolver("/var/run/nscd/socket", 0), "without a NUL");
	ok(is_resolver("/run/systemd/resolve/io.systemd.Resolve", 1),
	   "resolved");
	ok(is_resolver("/var/run/systemd/resolve/io.systemd.Resolve.Monitor",
		       1),
	   "whatever it is called");
	ok(is_resolver("/run/avahi-daemon/socket", 1), "avahi");
	ok(!is_resolver("/run/nscdsocket", 1), "not a like name");
	ok(!is_resolver("/run/user/0/bus", 1), "nor another socket");
	ok(!is_resolver("", 0), "nor one without a name");
	ok(!pw_is_resolver_path(&inet, 16), "nor an inet socket");
	memcpy(&abstract, &un, sizeof(un));
	ok(!pw_is_resolver_path(&abstract, sizeof(un)), "nor an abstract one");
	ok(!pw_is_resolver_path(&abstract, sizeof(abstract)),
	   "nor one that is too long");
}

int main(void)
{
	test_round_trip();
	test_lengths();
	test_loopback();
	test_readable();
	test_resolver_paths();
	return tap_end();
}
