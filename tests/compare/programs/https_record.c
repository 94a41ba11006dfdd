/* SPDX-License-Identifier: MIT */
/* A browser asks for a name's HTTPS record beside its address. */
#include <arpa/nameser.h>
#include <resolv.h>

#include "trace.h"

enum {
	TYPE_HTTPS = 65
};

static void play(void)
{
	struct __res_state state = { 0 };
	unsigned char answer[1024];
	HEADER *head = (HEADER *)answer;

	MUST(res_ninit(&state) == 0);
	say("answers: %s", res_nquery(&state, "site.test", ns_c_in, TYPE_HTTPS,
				      answer, sizeof(answer)) > 0 &&
					   ntohs(head->ancount) > 0
				   ? "some"
				   : "none");
	say("address: %s", gethostbyname("site.test") ? "found" : "none");
}
