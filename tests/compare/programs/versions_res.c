/* SPDX-License-Identifier: MIT */
/* A program that was linked long ago asks the resolver by its old symbols. */
#include <arpa/nameser.h>

#include "trace.h"

__asm__(".symver old_res_query, __res_query@GLIBC_2.2.5");
__asm__(".symver old_res_search, __res_search@GLIBC_2.2.5");

int old_res_query(const char *, int, int, unsigned char *, int);
int old_res_search(const char *, int, int, unsigned char *, int);

static void play(void)
{
	unsigned char answer[1024];

	say("query: %s", old_res_query("site.test", ns_c_in, ns_t_a, answer,
				       sizeof(answer)) > 0
				 ? "found"
				 : "no such host");
	say("search: %s", old_res_search("site.test", ns_c_in, ns_t_a, answer,
					 sizeof(answer)) > 0
				  ? "found"
				  : "no such host");
}
