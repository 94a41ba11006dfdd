/* SPDX-License-Identifier: MIT */
/* The gethostby* family, from the same answers as getaddrinfo. */
#include "hostent.h"
#include "libc.h"
#include "names.h"
#include "number.h"

extern int *pw_h_errno(void) __asm__("__h_errno_location");

static PW_TLS struct hostent own_entry;
static PW_TLS char own_buf[PW_HOSTENT_BYTES];

/*
 * A number is libc's own to read.
 *
 * Return: 0; -ENOENT: it is a number of another family; -EAGAIN: it is none
 */
static int from_number(const char *name, int family, struct pw_reply *reply)
{
	struct addrinfo hints = { .ai_family = family,
				  .ai_flags = AI_NUMERICHOST,
				  .ai_socktype = SOCK_STREAM };
	struct addrinfo *list;
	int ret = pw_libc.getaddrinfo(name, NULL, &hints, &list);

	if (ret)
		return pw_is_number(name) ? -ENOENT : -EAGAIN;
	*reply = (struct pw_reply){ .count = 1,
				    .addrs[0].family = (uint16_t)family };
	if (family == AF_INET)
		memcpy(reply->addrs[0].ip,
		       &((struct sockaddr_in *)(void *)list->ai_addr)->sin_addr,
		       4);
	else
		memcpy(reply->addrs[0].ip,
		       &((struct sockaddr_in6 *)(void *)list->ai_addr)
				->sin6_addr,
		       16);
	freeaddrinfo(list);
	return 0;
}

/* Return: an h_errno, 0 on success; *range where the buffer is too small. */
static int by_name(const char *name, int family, struct hostent *ret, char *buf,
		   size_t size, int *range)
{
	struct pw_reply reply;
	int error;

	*range = 0;
	if (family != AF_INET && family != AF_INET6)
		return NO_RECOVERY;
	error = from_number(name, family, &reply);
	if (error == -ENOENT)
		return HOST_NOT_FOUND;
	if (error < 0) {
		error = pw_resolve(name, family, &reply);
		if (error == -EAGAIN)
			return TRY_AGAIN;
		if (error < 0)
			return HOST_NOT_FOUND;
		name = reply.name;
	}
	error = pw_hostent_pack(ret, buf, size, name, family, reply.addrs,
				reply.count);
	*range = error == -ERANGE;
	if (error == -ENOENT)
		return NO_DATA;
	return error ? NETDB_INTERNAL : 0;
}

/* What each C library has for an address of no family and length it knows. */
static int no_address(void)
{
	errno = EAFNOSUPPORT;
	return pw_glibc_version ? NETDB_INTERNAL : NO_RECOVERY;
}

static int by_addr(const void *addr, socklen_t len, int family,
		   struct hostent *ret, char *buf, size_t size, int *range)
{
	struct pw_addr where = { .family = (uint16_t)family };
	struct pw_reply reply;
	int error;

	*range = 0;
	if (!((family == AF_INET && len == 4) ||
	      (family == AF_INET6 && len == 16)))
		return no_address();
	memcpy(where.ip, addr, len);
	error = pw_reverse(&where, &reply);
	if (error < 0)
		return error == -EAGAIN ? TRY_AGAIN : HOST_NOT_FOUND;
	error = pw_hostent_pack(ret, buf, size, reply.name, family, &where, 1);
	*range = error == -ERANGE;
	return error ? NETDB_INTERNAL : 0;
}

/* The C libraries' own forms set h_errno beside *h_err, and CPython reads that.
 */
static int reentrant(int h_error, int range, struct hostent *ret,
		     struct hostent **res, int *h_err)
{
	*res = h_error ? NULL : ret;
	if (h_error)
		*h_err = *pw_h_errno() = h_error;
	if (range)
		return ERANGE;
	/* As glibc: an authoritative "no" is not an error of the call. */
	if (h_error == TRY_AGAIN)
		return EAGAIN;
	if (h_error == NETDB_INTERNAL)
		return EAFNOSUPPORT;
	return h_error == NO_RECOVERY ? EINVAL : 0;
}

int hook_gethostbyname2_r(const char *name, int family, struct hostent *ret,
			  char *buf, size_t size, struct hostent **res,
			  int *h_err)
{
	int range, saved = errno,
		   h_error = by_name(name, family, ret, buf, size, &range);

	errno = range ? ERANGE : saved;
	return reentrant(h_error, range, ret, res, h_err);
}

int hook_gethostbyname_r(const char *name, struct hostent *ret, char *buf,
			 size_t size, struct hostent **res, int *h_err)
{
	return hook_gethostbyname2_r(name, AF_INET, ret, buf, size, res, h_err);
}

struct hostent *hook_gethostbyname2(const char *name, int family)
{
	int range, saved = errno;
	int h_error = by_name(name, family, &own_entry, own_buf,
			      sizeof(own_buf), &range);

	if (h_error) {
		*pw_h_errno() = h_error;
		return NULL;
	}
	errno = saved;
	return &own_entry;
}

struct hostent *hook_gethostbyname(const char *name)
{
	return hook_gethostbyname2(name, AF_INET);
}

int hook_gethostbyaddr_r(const void *addr, socklen_t len, int family,
			 struct hostent *ret, char *buf, size_t size,
			 struct hostent **res, int *h_err)
{
	int range, saved = errno,
		   h_error = by_addr(addr, len, family, ret, buf, size, &range);

	errno = range ? ERANGE : saved;
	return reentrant(h_error, range, ret, res, h_err);
}

struct hostent *hook_gethostbyaddr(const void *addr, socklen_t len, int family)
{
	int range, saved = errno;
	int h_error = by_addr(addr, len, family, &own_entry, own_buf,
			      sizeof(own_buf), &range);

	if (h_error) {
		*pw_h_errno() = h_error;
		return NULL;
	}
	errno = saved;
	return &own_entry;
}
