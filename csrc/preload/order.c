/* SPDX-License-Identifier: MIT */
/**
 * DOC: The order of LD_PRELOAD
 *
 *	RUNTIME... : ours : the user's
 *
 * AddressSanitizer's runtime ends the program unless it comes before every
 * other library. Therefore one in the user's list goes before us, and one that
 * the program is linked with is put there too. A child may be another program,
 * which must not be given that runtime; so what we have put is parted from us
 * by an empty entry, which every ld.so skips, and is taken out again.
 */
#include "order.h"

#include <errno.h>
#include <string.h>

static const char blanks[] = ": ";

static const char *const runtimes[] = { "libasan.so", "libclang_rt.asan" };

/* Written where there is room for it; measured and compared in any case. */
struct line {
	char *out;
	const char *expected; /* a text, or NULL */
	size_t size, n;
	bool is_other; /* than was expected */
};

/**
 * pw_is_runtime() - Whether an object is a runtime that must be the first
 * @name: its path or name, of @n bytes
 */
bool pw_is_runtime(const char *name, size_t n)
{
	for (size_t i = n; i > 0; i--) {
		if (name[i - 1] == '/') {
			name += i;
			n -= i;
			break;
		}
	}
	for (size_t i = 0; i < sizeof(runtimes) / sizeof(runtimes[0]); i++) {
		size_t length = strlen(runtimes[i]);

		if (n >= length && memcmp(name, runtimes[i], length) == 0)
			return true;
	}
	return false;
}

static void put(struct line *line, const char *text, size_t n)
{
	if (line->out && line->n + n < line->size)
		memcpy(line->out + line->n, text, n);
	if (line->expected && !line->is_other)
		line->is_other = strncmp(line->expected + line->n, text, n) !=
				 0;
	line->n += n;
}

static void put_entry(struct line *line, const char *text, size_t n)
{
	if (line->n)
		put(line, ":", 1);
	put(line, text, n);
}

static bool is_ours(const char *entry, size_t n, const char *ours)
{
	return n == strlen(ours) && memcmp(entry, ours, n) == 0;
}

/* Where the user's own entries begin: behind what we have put before us. */
static const char *skip_put(const char *list, const char *ours)
{
	const char *at = list;

	for (;;) {
		size_t n = strcspn(at, blanks);

		if (!pw_is_runtime(at, n))
			break;
		at += n;
		if (*at)
			at++;
	}
	if (at == list || *at != ':')
		return list;
	return is_ours(at + 1, strcspn(at + 1, blanks), ours) ? at : list;
}

/* The user's entries that are runtimes, or those that are not. */
static size_t put_theirs(struct line *line, const char *at, const char *ours,
			 bool is_runtime)
{
	size_t count = 0;

	while (*at) {
		size_t n = strcspn(at, blanks);

		if (n && !is_ours(at, n, ours) &&
		    pw_is_runtime(at, n) == is_runtime) {
			put_entry(line, at, n);
			count++;
		}
		at += n;
		at += strspn(at, blanks);
	}
	return count;
}

static void put_all(struct line *line, const char *ours, const char *theirs,
		    const char *runtime)
{
	theirs = skip_put(theirs ? theirs : "", ours);
	if (put_theirs(line, theirs, ours, true) == 0 && *runtime) {
		put_entry(line, runtime, strlen(runtime));
		put(line, ":", 1);
	}
	put_entry(line, ours, strlen(ours));
	put_theirs(line, theirs, ours, false);
}

/**
 * pw_order() - Make the value of LD_PRELOAD for a program
 * @out: filled in, with @size bytes
 * @ours: the preload object's path
 * @theirs: the value as it is, which may have all of this already, or NULL
 * @runtime: what the program is linked with and must come first, or ""
 *
 * Return: 0, or -E2BIG
 */
int pw_order(char *out, size_t size, const char *ours, const char *theirs,
	     const char *runtime)
{
	struct line line = { .out = out, .size = size };

	put_all(&line, ours, theirs, runtime);
	if (line.n >= size)
		return -E2BIG;
	out[line.n] = '\0';
	return 0;
}

/* What pw_order() needs for it, the end included. */
size_t pw_order_bytes(const char *ours, const char *theirs, const char *runtime)
{
	struct line line = { 0 };

	put_all(&line, ours, theirs, runtime);
	return line.n + 1;
}

/* Whether pw_order() would make of it what it is already. */
bool pw_order_is_kept(const char *ours, const char *theirs, const char *runtime)
{
	struct line line = { .expected = theirs };

	put_all(&line, ours, theirs, runtime);
	return !line.is_other && theirs[line.n] == '\0';
}
