/* SPDX-License-Identifier: MIT */
/* DNS messages, for the helper to answer. */
#ifndef PW_QUERY_H
#define PW_QUERY_H

#include "shim.h"

int pw_query_send(const unsigned char *query, size_t n, unsigned char *answer,
		  size_t size) PW_HIDDEN;
int pw_query_verdict(const unsigned char *answer, int n) PW_HIDDEN;

enum {
	PW_DNS_HEADER_BYTES = 12 /* RFC 1035, section 4.1.1 */
};

#endif
