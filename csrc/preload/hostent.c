/* SPDX-License-Identifier: MIT */
#include "hostent.h"

/**
 * pw_hostent_pack() - Lay out a host entry
 * @out: the entry, pointing into @buf
 * @buf: the caller's, of any alignment
 * @size: of @buf in bytes
 * @name: h_name
 * @family: AF_INET or AF_INET6; addresses of another are left out
 * @addrs: @count of them
 *
 * Return: 0; -ERANGE: @buf is too small; -ENOENT: no address of the family
 */
int pw_hostent_pack(struct hostent *out, char *buf, size_t size,
		    const char *name, int family, const struct pw_addr *addrs,
		    unsigned int count)
{
	size_t bytes = family == AF_INET ? 4 : 16,
	       name_bytes = strlen(name) + 1;
	size_t pad = -(uintptr_t)buf % sizeof(char *), fitting = 0;
	char **list, *at;

	for (unsigned int i = 0; i < count; i++)
		fitting += addrs[i].family == family;
	if (fitting == 0)
		return -ENOENT;
	/* The list, its end, the empty list of aliases; then the bytes. */
	if (pad + (fitting + 2) * sizeof(char *) + fitting * bytes +
		    name_bytes >
	    size)
		return -ERANGE;
	list = (char **)(void *)(buf + pad);
	at = (char *)(list + fitting + 2);
	out->h_addr_list = list;
	for (unsigned int i = 0; i < count; i++) {
		if (addrs[i].family != family)
			continue;
		memcpy(at, addrs[i].ip, bytes);
		*list++ = at;
		at += bytes;
	}
	*list++ = NULL;
	*list = NULL;
	out->h_aliases = list;
	memcpy(at, name, name_bytes);
	out->h_name = at;
	out->h_addrtype = family;
	out->h_length = (int)bytes;
	return 0;
}
