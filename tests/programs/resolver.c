/* SPDX-License-Identifier: MIT */
/* The resolver's own interface is refused as a name server that is silent. */
#include <resolv.h>

#include "trace.h"

static void play(void)
{
	unsigned char answer[512], query[64] = { 0 };

	TRY(res_query("site.test", 1, 1, answer, sizeof(answer)));
	say("%s", hstrerror(h_errno));
	TRY(res_search("site.test", 1, 1, answer, sizeof(answer)));
	TRY(res_querydomain("site", "test", 1, 1, answer, sizeof(answer)));
	TRY(res_send(query, sizeof(query), answer, sizeof(answer)));
#ifdef __GLIBC__
	struct gaicb one = { .ar_name = "site.test" }, *list = &one;
	struct __res_state state = { 0 };

	TRY(res_nquery(&state, "site.test", 1, 1, answer, sizeof(answer)));
	TRY(res_nsearch(&state, "site.test", 1, 1, answer, sizeof(answer)));
	TRY(res_nquerydomain(&state, "site", "test", 1, 1, answer,
			     sizeof(answer)));
	TRY(res_nsend(&state, query, sizeof(query), answer, sizeof(answer)));
	say("%s", eai(getaddrinfo_a(GAI_WAIT, &list, 1, NULL)));
#endif
}
