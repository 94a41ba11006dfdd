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
		 const char *service, const struct addrinfo *hints, size_t size,
		 char *number, struct addrinfo **res)
{
	/* musl frees a list as one block, so lists cannot be joined there. */
	unsigned int count = pw_glibc_version ? reply->count : 1;
	int ret = EAI_NONAME, failed;

	*res = NULL;
	for (unsigned int i = 0; i < count; i++) {
		struct addrinfo *list = NULL;

		pw_numeric(&reply->addrs[i], strlen(name), size, number);
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

static int resolve(const char *node, const struct addrinfo *hints,
		   struct pw_reply *reply)
{
	int ret = pw_resolve(node, hints->ai_family, reply);

	if (ret == -ENOENT && hints->ai_family == AF_INET6 &&
	    (hints->ai_flags & AI_V4MAPPED))
		ret = pw_resolve(node, AF_INET, reply); /* libc maps it */
	return ret < 0 ? eai(ret) : 0;
}

/* In a frame of its own: libc's takes most of what a small stack has. */
PW_APART static int by_name(const char *node, const char *service,
			    const struct addrinfo *hints, struct addrinfo **res)
{
	char number[PW_NUMERIC_BYTES];
	struct pw_reply reply;
	int ret;

	if (pw_is_number(node))
		return EAI_NONAME; /* of the other family */
	ret = resolve(node, hints, &reply);
	return ret ? ret
		   : build(&reply, reply.name, service, hints, sizeof(number),
			   number, res);
}

PW_APART static int build_spelled(const struct pw_reply *reply,
				  const char *name, const char *service,
				  const struct addrinfo *hints,
				  struct addrinfo **res)
{
	char number[PW_SPELLED_BYTES + PW_NUMBER_BYTES];

	return build(reply, name, service, hints, sizeof(number), number, res);
}

/* With AI_IDN, AI_CANONIDN or both. */
PW_APART static int by_spelling(const char *node, const char *service,
				struct addrinfo *hints, struct addrinfo **res)
{
	const char *name = NULL;
	char spelled[PW_SPELLED_BYTES];
	int flags = hints->ai_flags, ret;
	struct pw_reply reply;

	hints->ai_flags &= ~(AI_IDN | AI_CANONIDN); /* not of the number */
	if (flags & AI_IDN) {
		ret = pw_idn_encode(node, spelled);
		if (ret)
			return ret;
		node = spelled;
	}
	if (pw_is_number(node))
		return EAI_NONAME;
	ret = resolve(node, hints, &reply);
	if (ret)
		return ret;
	name = reply.name;
	if ((flags & AI_CANONNAME) && (flags & AI_CANONIDN))
		name = pw_idn_decode(name, spelled);
	return build_spelled(&reply, name, service, hints, res);
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
	if (ret == EAI_NONAME && !(flags & AI_NUMERICHOST)) {
		if (flags & (AI_IDN | AI_CANONIDN))
			ret = by_spelling(node, service, &numeric, res);
		else
			ret = by_name(node, service, &numeric, res);
		if (ret == 0)
			errno = saved;
	}
	return with_flags(ret, ret ? NULL : *res, flags);
}

static int put_host(const char *name, char *host, socklen_t host_len)
{
	size_t n = strlen(name) + 1;

	if (n > host_len)
		return EAI_OVERFLOW;
	memcpy(host, name, n);
	return 0;
}

PW_APART static int put_decoded(const char *name, char *host,
				socklen_t host_len)
{
	char decoded[PW_SPELLED_BYTES];

	return put_host(pw_idn_decode(name, decoded), host, host_len);
}

int hook_getnameinfo(const struct sockaddr *addr, socklen_t len, char *host,
		     socklen_t host_len, char *serv, socklen_t serv_len,
		     int flags)
{
	struct pw_reply reply;
	struct pw_addr where;
	char number[64];
	int ret, failed, numeric = (flags | NI_NUMERICHOST) & ~NI_NAMEREQD;

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
	failed = flags & NI_IDN ? put_decoded(reply.name, host, host_len)
				: put_host(reply.name, host, host_len);
	return failed ? failed : ret;
}
