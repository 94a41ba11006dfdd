/* SPDX-License-Identifier: MIT */
#include "path.h"

/* The bytes that a path in a directory of @n bytes takes, its end included. */
static size_t path_bytes(size_t n, const char *file)
{
	return n + 1 + strlen(file) + 1;
}

static const char *rest_after(const char *at, size_t n)
{
	return at[n] ? at + n + 1 : NULL;
}

/**
 * pw_path_begin() - Begin with the PATH of an environment
 * @envp: without one it is what libc takes then
 * @file: the program's name, without a slash
 *
 * The longest path that there will be takes @search->room bytes.
 */
void pw_path_begin(struct pw_path_search *search, char *const envp[],
		   const char *file)
{
	*search = (struct pw_path_search){ .rest = "/bin:/usr/bin",
					   .file = file };
	for (; envp && *envp; envp++)
		if (strncmp(*envp, "PATH=", 5) == 0)
			search->rest = *envp + 5;
	for (const char *at = search->rest; at;) {
		size_t n = strcspn(at, ":"), bytes = path_bytes(n, file);

		if (bytes > search->room && bytes <= PW_PATH_BYTES)
			search->room = bytes;
		at = rest_after(at, n);
	}
}

/**
 * pw_path_next() - The next place where a program may lie
 * @out: filled with a path, @search->room bytes at most; an empty element of
 *	PATH is the current directory
 *
 * Return: false when there is none left
 */
bool pw_path_next(struct pw_path_search *search, char *out)
{
	while (search->rest) {
		const char *at = search->rest;
		size_t n = strcspn(at, ":");

		search->rest = rest_after(at, n);
		if (path_bytes(n, search->file) > search->room)
			continue;
		memcpy(out, at, n);
		if (n)
			out[n++] = '/';
		memcpy(out + n, search->file, strlen(search->file) + 1);
		return true;
	}
	return false;
}
