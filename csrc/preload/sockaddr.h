/* SPDX-License-Identifier: MIT */
/* Both address families behind struct pw_addr; what may be dialled directly. */
#ifndef PW_SOCKADDR_H
#define PW_SOCKADDR_H

#include "shim.h"

enum {
	PW_PORT_DNS = 53,
	PW_PORT_DNS_TLS = 853
};

int pw_addr_from(struct pw_addr *out, const void *sockaddr,
		 size_t len) PW_HIDDEN;
size_t pw_addr_to(const struct pw_addr *addr,
		  struct sockaddr_storage *out) PW_HIDDEN;
bool pw_addr_is_loopback(const struct pw_addr *addr) PW_HIDDEN;
/*
 * Whether memory lies in the page of our own stack frame, and so can be read;
 * it costs nothing to find out, and most small structures do.
 */
static inline bool pw_is_near(const void *start, size_t n)
{
	uintptr_t page = (uintptr_t)__builtin_frame_address(0) & ~4095UL;
	uintptr_t at = (uintptr_t)start - page;

	return at <= 4096 - n;
}

bool pw_readable(const void *start, size_t n) PW_HIDDEN;
int pw_copy_sockaddr(struct sockaddr_storage *out, const void *addr,
		     size_t len) PW_HIDDEN;
bool pw_is_resolver_path(const struct sockaddr_storage *addr,
			 size_t len) PW_HIDDEN;

#endif
