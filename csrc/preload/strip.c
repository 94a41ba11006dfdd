/* SPDX-License-Identifier: MIT */
/*
 * ld.so tells of each object in LD_PRELOAD that it cannot find, for each
 * program. Under the filter a program can do without us.
 */
#include "strip.h"

#include "channel.h"

static const char name[] = "LD_PRELOAD=";
static const char blanks[] = ": ";

static const char *list_of(const char *variable)
{
	const size_t n = sizeof(name) - 1;

	return strncmp(variable, name, n) == 0 ? variable + n : NULL;
}

static bool is_ours(const char *entry, size_t n)
{
	const char *ours = pw_channel()->preload;

	return n == strlen(ours) && memcmp(entry, ours, n) == 0;
}

/* Copy a list without our entry; an empty one is none at all. */
static char *copy_others(char *out, const char *list)
{
	char *end = out;

	memcpy(end, name, sizeof(name));
	end += sizeof(name) - 1;
	while (*list) {
		size_t n = strcspn(list, blanks);

		if (n && !is_ours(list, n)) {
			if (end[-1] != '=')
				*end++ = ':';
			memcpy(end, list, n);
			end += n;
		}
		list += n;
		list += strspn(list, blanks);
	}
	*end = '\0';
	return end[-1] == '=' ? NULL : end + 1;
}

/**
 * pw_strip_room() - The memory that pw_strip() needs
 *
 * Return: a number of bytes
 */
size_t pw_strip_room(char *const envp[])
{
	size_t room = sizeof(char *);

	for (; envp && *envp; envp++) {
		room += sizeof(char *);
		if (list_of(*envp))
			room += strlen(*envp) + 1;
	}
	return room;
}

/**
 * pw_strip() - Take our object from an environment's LD_PRELOAD
 * @envp: the application's; its other variables are not copied
 * @memory: pw_strip_room() bytes, aligned for pointers
 */
char *const *pw_strip(char *const envp[], void *memory)
{
	char **out = memory, *text;
	size_t count = 0, n = 0;

	while (envp && envp[count])
		count++;
	text = (char *)(out + count + 1);
	for (size_t i = 0; i < count; i++) {
		const char *list = list_of(envp[i]);
		char *end = list ? copy_others(text, list) : NULL;

		if (list && !end)
			continue;
		out[n++] = list ? text : envp[i];
		text = list ? end : text;
	}
	out[n] = NULL;
	return out;
}
