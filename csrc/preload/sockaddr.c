/* SPDX-License-Identifier: MIT */
#include "sockaddr.h"

#include <sys/un.h>

static const uint8_t v4_mapped[12] = { [10] = 0xff, [11] = 0xff };

/**
 * pw_addr_from() - Read an inet socket address
 * @out: where to
 * @sockaddr: readable memory of @len bytes, of any alignment
 * @len: as the application gave it
 *
 * Return: 0; -EINVAL: too short; -EAFNOSUPPORT: neither IPv4 nor IPv6
 * Context: async-signal-safe
 */
int pw_addr_from(struct pw_addr *out, const void *sockaddr, size_t len)
{
	struct sockaddr_in6 in6;
	struct sockaddr_in in;
	sa_family_t family;

	if (len < sizeof(family))
		return -EINVAL;
	memcpy(&family, sockaddr, sizeof(family));
	*out = (struct pw_addr){ .family = family };
	if (family == AF_INET) {
		if (len < sizeof(in))
			return -EINVAL;
		memcpy(&in, sockaddr, sizeof(in));
		out->port = ntohs(in.sin_port);
		memcpy(out->ip, &in.sin_addr, 4);
		return 0;
	}
	if (family == AF_INET6) {
		/* RFC 2133 had no sin6_scope_id; the kernel takes both. */
		if (len < offsetof(struct sockaddr_in6, sin6_scope_id))
			return -EINVAL;
		memset(&in6, 0, sizeof(in6));
		memcpy(&in6, sockaddr, len < sizeof(in6) ? len : sizeof(in6));
		out->port = ntohs(in6.sin6_port);
		out->scope_id = in6.sin6_scope_id;
		memcpy(out->ip, &in6.sin6_addr, 16);
		return 0;
	}
	return -EAFNOSUPPORT;
}

/**
 * pw_addr_to() - Write an address as the kernel would
 *
 * Return: its size in bytes, 0 for no address
 * Context: async-signal-safe
 */
size_t pw_addr_to(const struct pw_addr *addr, struct sockaddr_storage *out)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in in = { .sin_family = AF_INET };

	memset(out, 0, sizeof(*out));
	if (addr->family == AF_INET) {
		in.sin_port = htons(addr->port);
		memcpy(&in.sin_addr, addr->ip, 4);
		memcpy(out, &in, sizeof(in));
		return sizeof(in);
	}
	if (addr->family == AF_INET6) {
		in6.sin6_port = htons(addr->port);
		in6.sin6_scope_id = addr->scope_id;
		memcpy(&in6.sin6_addr, addr->ip, 16);
		memcpy(out, &in6, sizeof(in6));
		return sizeof(in6);
	}
	return 0;
}

static bool is_loopback_v4(const uint8_t ip[static 4])
{
	static const uint8_t any[4];

	/* 0.0.0.0 as a destination means this host. */
	return ip[0] == 127 || memcmp(ip, any, 4) == 0;
}

/* 127/8, ::1, their mapped form, and the two "any" addresses. */
bool pw_addr_is_loopback(const struct pw_addr *addr)
{
	static const uint8_t zeros[15];

	if (addr->family == AF_INET)
		return is_loopback_v4(addr->ip);
	if (addr->family != AF_INET6)
		return false;
	if (memcmp(addr->ip, v4_mapped, sizeof(v4_mapped)) == 0)
		return is_loopback_v4(addr->ip + 12);
	return memcmp(addr->ip, zeros, 15) == 0 && addr->ip[15] <= 1;
}

/*
 * rt_sigprocmask copies its set before it rejects an unknown `how`; but at
 * address 0 it takes it that there is no set.
 */
static bool is_readable_word(uintptr_t at)
{
	return at != 0 && pw_sys(SYS_rt_sigprocmask, -1, at, 0, 8) != -EFAULT;
}

/**
 * pw_readable() - Whether memory can be read
 * @start: its first byte
 * @n: bytes, at most a page
 *
 * A hook must fail with EFAULT where the kernel would, not crash.
 *
 * Context: async-signal-safe
 */
bool pw_readable(const void *start, size_t n)
{
	uintptr_t at = (uintptr_t)start;
	uintptr_t last = at + n - 1;

	/* Aligned words never straddle a page. */
	if (n == 0 || (at ^ last) < 4096)
		return n == 0 || is_readable_word(at & ~7UL);
	return is_readable_word(at & ~7UL) && is_readable_word(last & ~7UL);
}

/**
 * pw_copy_sockaddr() - Copy an address that the application points to
 *
 * Return: 0, -EINVAL or -EFAULT as the kernel would
 */
int pw_copy_sockaddr(struct sockaddr_storage *out, const void *addr, size_t len)
{
	memset(out, 0, sizeof(*out));
	if (len > sizeof(*out))
		return -EINVAL;
	if (!pw_readable(addr, len))
		return -EFAULT;
	if (len > 0)
		memcpy(out, addr, len);
	return 0;
}

/* nscd, systemd-resolved and avahi resolve names for whoever asks on their
 * sockets. */
bool pw_is_resolver_path(const struct sockaddr_storage *addr, size_t len)
{
	static const char *const prefixes[] = {
		"/run/nscd/",
		"/var/run/nscd/",
		"/run/systemd/resolve/",
		"/var/run/systemd/resolve/",
		"/run/avahi-daemon/",
		"/var/run/avahi-daemon/",
	};
	struct sockaddr_un un = { 0 };

	if (addr->ss_family != AF_UNIX || len > sizeof(un))
		return false;
	memcpy(&un, addr, len);
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (strncmp(un.sun_path, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}
