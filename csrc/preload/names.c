/* SPDX-License-Identifier: MIT */
#include "names.h"

#include "channel.h"

/**
 * pw_resolve() - Ask the helper for a name's addresses
 * @name: as the application spelled it
 * @family: AF_INET, AF_INET6 or AF_UNSPEC
 *
 * Return: 0, reply->name being terminated; -ENOENT: no such name; -EAGAIN:
 * cannot be said now
 */
int pw_resolve(const char *name, int family, struct pw_reply *reply)
{
	struct pw_request request = { .op = PW_OP_RESOLVE,
				      .addr.family = (uint16_t)family };

	if (strnlen(name, PW_NAME_BYTES) >= PW_NAME_BYTES)
		return -ENOENT;
	pw_request_set_name(&request, name);
	if (pw_channel_ask(&request, reply) < 0)
		return -EAGAIN;
	if (reply->error == 0 &&
	    (reply->count == 0 || reply->count > PW_MAX_ADDRS ||
	     reply->name_bytes >= PW_NAME_BYTES))
		return -ENOENT;
	reply->name[reply->error ? 0 : reply->name_bytes] = '\0';
	return -reply->error;
}

/**
 * pw_reverse() - Ask the helper for an address's name
 *
 * Return: 0, reply->name being terminated; -ENOENT; -EAGAIN
 */
int pw_reverse(const struct pw_addr *addr, struct pw_reply *reply)
{
	struct pw_request request = { .op = PW_OP_REVERSE, .addr = *addr };

	if (pw_channel_ask(&request, reply) < 0)
		return -EAGAIN;
	if (reply->error == 0 && reply->name_bytes >= PW_NAME_BYTES)
		return -ENOENT;
	reply->name[reply->error ? 0 : reply->name_bytes] = '\0';
	return -reply->error;
}

static size_t put_octal(char *out, unsigned int value, size_t zeros)
{
	size_t n = 0;

	for (; zeros > 0; zeros--)
		out[n++] = '0';
	out[n++] = '0';
	out[n++] = (char)('0' + (value >> 6 & 7));
	out[n++] = (char)('0' + (value >> 3 & 7));
	out[n++] = (char)('0' + (value & 7));
	return n;
}

static size_t put_hex(char *out, unsigned int value)
{
	static const char digits[] = "0123456789abcdef";

	for (int i = 0; i < 4; i++)
		out[i] = digits[value >> (12 - 4 * i) & 15];
	return 4;
}

/**
 * pw_numeric() - Spell an address so that getaddrinfo() takes it for a number
 * @at_least: the result has this many characters or more, where they fit
 * @size: of @out, PW_NUMBER_BYTES or more
 *
 * libc makes the canonical name a copy of this string; it is as long as the
 * true name, which can then be written over it. IPv4 is octal, which may have
 * any number of leading zeros; IPv6 has a scope number, which may too.
 */
void pw_numeric(const struct pw_addr *addr, size_t at_least, size_t size,
		char out[static PW_NUMBER_BYTES])
{
	size_t n = 0, pad = at_least > size - 2 ? size - 2 : at_least;

	if (addr->family == AF_INET) {
		for (int i = 0; i < 4; i++) {
			n += put_octal(out + n, addr->ip[i],
				       i == 0 && pad > 19 ? pad - 19 : 0);
			out[n++] = i < 3 ? '.' : '\0';
		}
		return;
	}
	for (int i = 0; i < 16; i += 2) {
		n += put_hex(out + n,
			     (unsigned int)addr->ip[i] << 8 | addr->ip[i + 1]);
		out[n++] = i < 14 ? ':' : '%';
	}
	if (pad <= n - 1) {
		out[n - 1] = '\0';
		return;
	}
	do
		out[n++] = '0';
	while (n < pad);
	out[n] = '\0';
}
