/* SPDX-License-Identifier: MIT */
// sources: csrc/preload/path.c
#include "preload/path.h"

#include "tap.h"

static bool is_within = true; /* the room that was told of */

/* All places, with blanks between them. */
static const char *all(const char *variable, const char *file)
{
	static char found[4 * PW_PATH_BYTES];
	char env[3 * PW_PATH_BYTES], one[PW_PATH_BYTES + 1];
	char *const envp[] = { "A=1", variable ? strcpy(env, variable) : "B=2",
			       "PATHS=/wrong", NULL };
	struct pw_path_search search;

	found[0] = '\0';
	pw_path_begin(&search, envp, file);
	memset(one, '#', sizeof(one));
	while (pw_path_next(&search, one)) {
		is_within &= strlen(one) < search.room;
		is_within &= one[search.room] == '#';
		strcat(found, one);
		strcat(found, " ");
	}
	return found;
}

static void check(const char *variable, const char *file, const char *expected)
{
	const char *found = all(variable, file);

	ok(strcmp(found, expected) == 0, "%s in %s", file,
	   variable ? variable : "no PATH");
	if (strcmp(found, expected))
		dprintf(1, "# expected %s\n# found %s\n", expected, found);
}

static void test_limits(void)
{
	static char value[2 * PW_PATH_BYTES] = "PATH=/",
			      name[PW_PATH_BYTES + 10];
	struct pw_path_search search;
	char out[PW_PATH_BYTES + 1];

	for (size_t n = PW_PATH_BYTES - 12; n < PW_PATH_BYTES + 4; n++) {
		char *const envp[] = { value, NULL };
		bool fits = n + 1 + strlen("file") < PW_PATH_BYTES;

		memset(value + 6, 'd', n - 1);
		value[5 + n] = '\0';
		memset(out, '#', sizeof(out));
		pw_path_begin(&search, envp, "file");
		ok(search.room <= PW_PATH_BYTES, "room for a path at most");
		is(pw_path_next(&search, out), fits, "a directory of %zu bytes",
		   n);
		ok(out[PW_PATH_BYTES] == '#', "nothing beyond the memory");
		if (fits)
			is(strlen(out), n + 5, "whole");
	}
	memset(name, 'n', sizeof(name) - 1);
	pw_path_begin(&search, NULL, name);
	ok(!pw_path_next(&search, out), "a file that fits nowhere");
}

int main(void)
{
	struct pw_path_search search;
	char out[PW_PATH_BYTES];

	check("PATH=/bin:/usr/bin", "sh", "/bin/sh /usr/bin/sh ");
	check("PATH=/bin", "sh", "/bin/sh ");
	check("PATH=", "sh", "sh ");
	check("PATH=:/bin", "sh", "sh /bin/sh ");
	check("PATH=/bin:", "sh", "/bin/sh sh ");
	check("PATH=a::b", "sh", "a/sh sh b/sh ");
	check("PATH=/bin/", "sh", "/bin//sh ");
	check("PATH=/bin", "", "/bin/ ");
	check(NULL, "sh", "/bin/sh /usr/bin/sh ");
	ok(is_within, "none needs more room than was told");
	pw_path_begin(&search, NULL, "sh");
	ok(pw_path_next(&search, out) && strcmp(out, "/bin/sh") == 0,
	   "no environment at all");
	test_limits();
	return tap_end();
}
