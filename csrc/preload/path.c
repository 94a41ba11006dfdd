/* SPDX-License-Identifier: MIT */
#include "path.h"

/* Begin with the PATH of an environment, or what libc takes without one. */
void pw_path_begin(struct pw_path_search *search, char *const envp[])
{
	search->rest = "/bin:/usr/bin";
	for (; envp && *envp; envp++)
		if (strncmp(*envp, "PATH=", 5) == 0)
			search->rest = *envp + 5;
}

/**
 * pw_path_next() - The next place where a program may lie
 * @file: its name, without a slash
 * @out: filled with a path; an empty element of PATH is the current directory
 *
 * Return: false when there is none left
 */
bool pw_path_next(struct pw_path_search *search, const char *file,
		  char out[static PW_PATH_BYTES])
{
	size_t n, name = strlen(file);

	while (search->rest) {
		const char *at = search->rest;

		n = strcspn(at, ":");
		search->rest = at[n] ? at + n + 1 : NULL;
		if (n + 1 + name >= PW_PATH_BYTES)
			continue;
		memcpy(out, at, n);
		if (n)
			out[n++] = '/';
		memcpy(out + n, file, name + 1);
		return true;
	}
	return false;
}
