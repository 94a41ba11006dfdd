/* SPDX-License-Identifier: MIT */
/*
 * getaddrinfo, getnameinfo. The helper knows the names; the lists are made by
 * the original, from numbers, so that libc allocates and frees them.
 */
#include "idn.h"
#include "libc.h"
#include "names.h"
#include "number.h"
#include "sockaddr.h"

/* musl frees a list as one block, so lists cannot be joined there. */
extern const char *pw_glibc_version(void) __asm__("gnu_get_libc_version")
	__attribute__((weak));

static int eai(int error)
{
	switch (-error) {
	case ENOENT:
		return EAI_NONAME;
	case EAGAIN:
		return EAI_AGAIN;
	default:
		return EAI_FAIL;
	}
}

static void put_canonname(struct addrinfo *list, const char *name)
{
	/* pw_numeric() has made room. */
	if (list->ai_canonname && strlen(list->ai_canonname) >= strlen(name))
		memcpy(list->ai_canonname, name, strlen(name) + 1);
}

static void join(struct addrinfo **head, struct addrinfo *more)
{
	while (*head)
		head = &(*head)->ai_next;
	*head = more;
}

static int build(const struct pw_reply *reply, const char *name,
		 const char *service, const struct addrinfo *hints,
		 struct addrinfo **res)
{
	unsigned int count = pw_glibc_version ? reply->count : 1;
	char number[PW_NUMERIC_BYTES];
	int ret = EAI_NONAME, failed;

	*res = NULL;
	for (unsigned int i = 0; i < count; i++) {
		struct addrinfo *list = NULL;

		pw_numeric(&reply->addrs[i], strlen(name), number);
		failed = pw_libc.getaddrinfo(number, service, hints, &list);
		if (failed && !*res)
			ret = failed;
		if (failed)
			continue;
		if (!*res)
			put_canonname(list, name);
		join(res, list);
		ret = 0;
	}
	return ret;
}

/* Nothing of what we have added to the hints; musl sets no flags there. */
static int with_flags(int ret, struct addrinfo *list, int flags)
{
	for (; ret == 0 && list; list = list->ai_next)
		if (list->ai_flags)
			list->ai_flags = flags;
	return ret;
}

/*
 * Of a name that libc does not take for a number. In a frame of its own:
 * libc's takes most of what a small stack has.
 */
PW_APART static int look_up(const char *node, const char *service,
			    struct addrinfo *hints, struct addrinfo **res)
{
	int flags = hints->ai_flags, ret;
	char encoded[PW_NAME_BYTES], decoded[PW_SPELLED_BYTES];
	struct pw_reply reply;
	const char *name;

	if (flags & AI_IDN) {
		ret = pw_idn_encode(node, encoded);
		if (ret)
			return ret;
		node = encoded;
	}
	hints->ai_flags &= ~(AI_IDN | AI_CANONIDN); /* not of the number */
	if (pw_is_number(node))
		return EAI_NONAME; /* of the other family */
	ret = pw_resolve(node, hints->ai_family, &reply);
	if (ret == -ENOENT && hints->ai_family == AF_INET6 &&
	    (flags & AI_V4MAPPED))
		ret = pw_resolve(node, AF_INET, &reply); /* libc maps it */
	if (ret < 0)
		return eai(ret);
	name = reply.name;
	if ((flags & AI_CANONNAME) && (flags & AI_CANONIDN))
		name = pw_idn_decode(name, decoded);
	return build(&reply, name, service, hints, res);
}

int hook_getaddrinfo(const char *node, const char *service,
		     const struct addrinfo *hints, struct addrinfo **res)
{
	/* What libc does without hints, except for AI_ADDRCONFIG: on a host
	 * with a loopback interface only it finds nothing. */
	struct addrinfo numeric = { .ai_flags = AI_V4MAPPED };
	int flags = hints ? hints->ai_flags : AI_V4MAPPED | AI_ADDRCONFIG;
	int ret, saved = errno;

	if (!node)
		return pw_libc.getaddrinfo(node, service, hints, res);
	if (hints)
		numeric = *hints;
	numeric.ai_flags &= ~AI_ADDRCONFIG;
	numeric.ai_flags |= AI_NUMERICHOST;
	ret = pw_libc.getaddrinfo(node, service, &numeric, res);
	if (ret != EAI_NONAME || (flags & AI_NUMERICHOST))
		return with_flags(ret, ret ? NULL : *res, flags);
	ret = look_up(node, service, &numeric, res);
	if (ret == 0)
		errno = saved;
	return with_flags(ret, ret ? NULL : *res, flags);
}

int hook_getnameinfo(const struct sockaddr *addr, socklen_t len, char *host,
		     socklen_t host_len, char *serv, socklen_t serv_len,
		     int flags)
{
	char number[64], decoded[PW_SPELLED_BYTES];
	struct pw_reply reply;
	struct pw_addr where;
	const char *name;
	int ret, numeric = (flags | NI_NUMERICHOST) & ~NI_NAMEREQD;

	if (!host || !host_len || (flags & NI_NUMERICHOST) || !addr ||
	    pw_addr_from(&where, addr, len) < 0 ||
	    (where.family == AF_INET6 && len < sizeof(struct sockaddr_in6)))
		return pw_libc.getnameinfo(addr, len, host, host_len, serv,
					   serv_len, flags);
	ret = pw_reverse(&where, &reply);
	if (ret < 0) {
		if (flags & NI_NAMEREQD)
			return eai(ret);
		return pw_libc.getnameinfo(addr, len, host, host_len, serv,
					   serv_len, numeric);
	}
	ret = pw_libc.getnameinfo(addr, len, number, sizeof(number), serv,
				  serv_len, numeric);
	if (ret && ret != EAI_OVERFLOW) /* of the service's name */
		return ret;
	name = flags & NI_IDN ? pw_idn_decode(reply.name, decoded) : reply.name;
	if (strlen(name) >= host_len)
		return EAI_OVERFLOW;
	memcpy(host, name, strlen(name) + 1);
	return ret;
}
