/* SPDX-License-Identifier: MIT */
// sources: csrc/preload/order.c
#include "tap.h"

#include <errno.h>
#include <string.h>

#include "preload/order.h"

#define OURS "/a/preload.so"
#define RUNTIME "libasan.so.8"

static void becomes(const char *theirs, const char *runtime,
		    const char *expected)
{
	char out[256], again[256];

	is(pw_order(out, sizeof(out), OURS, theirs, runtime), 0, "%s fits",
	   expected);
	ok(strcmp(out, expected) == 0, "%s + %s = %s, found %s",
	   theirs ? theirs : "nothing", runtime, expected, out);
	is(pw_order_bytes(OURS, theirs, runtime), strlen(expected) + 1,
	   "its length");
	pw_order(again, sizeof(again), OURS, out, runtime);
	ok(strcmp(again, out) == 0, "and stays so: %s", again);
	ok(pw_order_is_kept(OURS, out, runtime), "as is known beforehand");
	if (theirs)
		is(pw_order_is_kept(OURS, theirs, runtime),
		   strcmp(theirs, expected) == 0, "as it is of %s", theirs);
	memcpy(again, out, sizeof(again));
	strcat(again, ":x y");
	ok(!pw_order_is_kept(OURS, again, runtime), "not of more: %s", again);
	again[0] = '#';
	ok(!pw_order_is_kept(OURS, again, runtime), "nor of another: %s",
	   again);
	ok(!pw_order_is_kept(OURS, "", runtime), "nor of nothing");
}

/* What a program that needs no runtime finds, whatever its parent needed. */
static void is_undone(const char *theirs, const char *expected)
{
	char parent[256], out[256];

	pw_order(parent, sizeof(parent), OURS, theirs, RUNTIME);
	pw_order(out, sizeof(out), OURS, parent, "");
	ok(strcmp(out, expected) == 0, "%s, a generation later: %s", theirs,
	   out);
}

static void test_sizes(void)
{
	const char *list = "libm.so.6:/b/c.so";
	char out[64];
	size_t n;

	pw_order(out, sizeof(out), OURS, list, RUNTIME);
	n = strlen(out) + 1;
	for (size_t size = 1; size < n; size++)
		is(pw_order(out, size, OURS, list, RUNTIME), -E2BIG,
		   "%zu bytes are too few", size);
	is(pw_order(out, n, OURS, list, RUNTIME), 0, "%zu are enough", n);
}

int main(void)
{
	becomes(NULL, "", OURS);
	becomes("", "", OURS);
	becomes(OURS, "", OURS);
	becomes("libm.so.6", "", OURS ":libm.so.6");
	becomes("libm.so.6:" OURS, "", OURS ":libm.so.6");
	becomes("libm.so.6 /b/c.so", "", OURS ":libm.so.6:/b/c.so");
	becomes(" :libm.so.6: ", "", OURS ":libm.so.6");
	becomes(OURS "x:x" OURS, "", OURS ":" OURS "x:x" OURS);
	becomes(NULL, RUNTIME, RUNTIME "::" OURS);
	becomes("libm.so.6", RUNTIME, RUNTIME "::" OURS ":libm.so.6");
	becomes("/x/libasan.so.8", "", "/x/libasan.so.8:" OURS);
	becomes("/x/libasan.so.8", RUNTIME, "/x/libasan.so.8:" OURS);
	becomes("libm.so.6:libclang_rt.asan-x86_64.so", "",
		"libclang_rt.asan-x86_64.so:" OURS ":libm.so.6");
	becomes("/libasan.so/other.so", "", OURS ":/libasan.so/other.so");
	is_undone("", OURS);
	is_undone("libm.so.6", OURS ":libm.so.6");
	is_undone("libasan.so.6", "libasan.so.6:" OURS);
	ok(pw_is_runtime("libasan.so.8", 12), "gcc's");
	ok(!pw_is_runtime("libtsan.so.2", 12), "TSan is not so particular");
	ok(!pw_is_runtime("libasan", 7), "no library");
	test_sizes();
	return tap_end();
}
