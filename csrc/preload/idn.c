/* SPDX-License-Identifier: MIT */
/*
 * What glibc does with such names depends on the program's locale, its encoding
 * above all, and is done by libidn2, which glibc loads into the program when it
 * is asked to. The same library, in the same process, gives the same name.
 */
#include "idn.h"

#include "libc.h"

#include <dlfcn.h>

typedef int convert_fn(const char *in, char **out, int flags);

/* Whether a name is another one in ASCII; glibc gives such a one to no library.
 */
static bool is_ascii(const char *name)
{
	for (; *name; name++)
		if (*name & 0x80)
			return false;
	return true;
}

/*
 * Context: wherever the program may call libc's getaddrinfo(), which allocates
 * and loads the library, too
 *
 * Return: 0; -ENOENT: the name has no such form, or it does not fit
 */
static int convert(const char *function, const char *name, char *out,
		   size_t size)
{
	/* musl knows nothing of all this. */
	void *library = pw_glibc_version
				? pw_libc.dlopen("libidn2.so.0", RTLD_NOW)
				: NULL;
	convert_fn *how = NULL;
	void (*release)(void *) = NULL;
	char *made = NULL;
	size_t n;

	if (library && pw_dlsym) {
		how = (convert_fn *)pw_dlsym(library, function);
		release = (void (*)(void *))pw_dlsym(library, "idn2_free");
	}
	if (!how || !release || how(name, &made, 0))
		return -ENOENT;
	n = strlen(made) + 1;
	if (n <= size)
		memcpy(out, made, n);
	release(made);
	return n <= size ? 0 : -ENOENT;
}

/**
 * pw_idn_encode() - Spell a name as the DNS has it
 * @name: in the encoding of the program's locale
 *
 * Return: 0 or an EAI_ code
 */
int pw_idn_encode(const char *name, char out[static PW_NAME_BYTES])
{
	size_t n = strnlen(name, PW_NAME_BYTES);

	if (!is_ascii(name))
		return convert("idn2_lookup_ul", name, out, PW_NAME_BYTES)
			       ? EAI_IDN_ENCODE
			       : 0;
	if (n >= PW_NAME_BYTES)
		return EAI_NONAME;
	memcpy(out, name, n + 1);
	return 0;
}

/**
 * pw_idn_decode() - Spell a name of the DNS in the encoding of the locale
 *
 * Return: the name, in @room, or as it was where the locale has no letters for
 * it
 */
const char *pw_idn_decode(const char *name, char room[static PW_SPELLED_BYTES])
{
	return convert("idn2_to_unicode_lzlz", name, room, PW_SPELLED_BYTES)
		       ? name
		       : room;
}
