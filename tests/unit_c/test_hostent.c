/* SPDX-License-Identifier: MIT */
// sources: csrc/preload/hostent.c
#include "preload/hostent.h"

#include "tap.h"

enum {
	BYTES = 2048,
	GUARD = '#'
};

static char memory[BYTES] __attribute__((aligned(16)));

static bool is_within(const void *start, size_t n, const char *buf, size_t size)
{
	return (const char *)start >= buf &&
	       (const char *)start + n <= buf + size;
}

/* Pack into a buffer of every size, at an offset; return what was needed. */
static size_t pack_all(int family, const char *name,
		       const struct pw_addr *addrs, unsigned int count,
		       size_t offset)
{
	bool is_clean = true, is_inside = true;
	size_t needed = 0;

	for (size_t size = 0; size + offset <= BYTES; size++) {
		struct hostent out;
		int ret;

		memset(memory, GUARD, BYTES);
		ret = pw_hostent_pack(&out, memory + offset, size, name, family,
				      addrs, count);
		for (size_t i = 0; i < BYTES; i++)
			if ((i < offset || i >= offset + size) &&
			    memory[i] != GUARD)
				is_clean = false;
		if (ret == -ERANGE && needed == 0)
			continue;
		if (ret != 0)
			return 0;
		if (needed == 0)
			needed = size;
		is_inside &= is_within(out.h_name, strlen(name) + 1,
				       memory + offset, size);
		is_inside &= is_within(out.h_aliases, sizeof(char *),
				       memory + offset, size);
		is_inside &= (uintptr_t)out.h_addr_list % sizeof(char *) == 0 &&
			     (uintptr_t)out.h_aliases % sizeof(char *) == 0;
		for (char **at = out.h_addr_list; *at; at++)
			is_inside &= is_within(*at, (size_t)out.h_length,
					       memory + offset, size);
	}
	ok(is_clean, "family %d, %u addresses at %zu: not a byte outside",
	   family, count, offset);
	ok(is_inside,
	   "family %d, %u addresses at %zu: all of it inside, and aligned",
	   family, count, offset);
	return needed;
}

static void test_every_size(void)
{
	static const char *const names[] = { "", "a", "site.test" };
	struct pw_addr addrs[PW_MAX_ADDRS] = { 0 };
	char longest[PW_NAME_BYTES];

	memset(longest, 'n', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	for (int version = 4; version <= 6; version += 2) {
		int family = version == 4 ? AF_INET : AF_INET6;

		for (unsigned int i = 0; i < PW_MAX_ADDRS; i++)
			addrs[i].family = (uint16_t)family;
		for (unsigned int count = 1; count <= PW_MAX_ADDRS; count++)
			for (size_t offset = 0; offset < 9; offset++)
				ok(pack_all(family, names[count % 3], addrs,
					    count, offset) > 0,
				   "it fits in the end");
		ok(pack_all(family, longest, addrs, PW_MAX_ADDRS, 7) <=
			   PW_HOSTENT_BYTES,
		   "PW_HOSTENT_BYTES hold the largest answer");
	}
}

static void test_content(void)
{
	struct pw_addr addrs[3] = {
		{ .family = AF_INET, .ip = { 192, 0, 2, 1 } },
		{ .family = AF_INET6, .ip = { 0x20, 1 } },
		{ .family = AF_INET, .ip = { 192, 0, 2, 2 } },
	};
	struct hostent out;

	is(pw_hostent_pack(&out, memory, BYTES, "two.test", AF_INET, addrs, 3),
	   0, "both kinds in one answer");
	ok(strcmp(out.h_name, "two.test") == 0, "the name");
	is(out.h_addrtype, AF_INET, "the family");
	is(out.h_length, 4, "the length");
	ok(memcmp(out.h_addr_list[0], addrs[0].ip, 4) == 0,
	   "the first of the family");
	ok(memcmp(out.h_addr_list[1], addrs[2].ip, 4) == 0, "the second");
	ok(!out.h_addr_list[2], "no more");
	ok(out.h_aliases && !out.h_aliases[0],
	   "aliases are an empty list, not NULL");
	is(pw_hostent_pack(&out, memory, BYTES, "x", AF_INET6, addrs, 3), 0,
	   "the other kind");
	is(out.h_length, 16, "is longer");
	is(pw_hostent_pack(&out, memory, BYTES, "x", AF_INET6, addrs, 1),
	   -ENOENT, "none of the family");
	is(pw_hostent_pack(&out, memory, 0, "x", AF_INET6, addrs, 0), -ENOENT,
	   "none at all, in no buffer");
}

int main(void)
{
	test_every_size();
	test_content();
	return tap_end();
}
