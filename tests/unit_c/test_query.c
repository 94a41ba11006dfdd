/* SPDX-License-Identifier: MIT */
// sources: csrc/preload/query.c csrc/preload/channel.c
// sources: csrc/preload/listener.c csrc/preload/proof.c
// sources: csrc/preload/lifeline.c csrc/preload/fdtable.c csrc/preload/guard.c
#include "preload/query.h"

#include "tap.h"

static int verdict(int rcode, int answers, int n)
{
	unsigned char answer[12] = { [3] = (unsigned char)(0x80 | rcode),
				     [6] = (unsigned char)(answers >> 8),
				     [7] = (unsigned char)answers };

	return pw_query_verdict(answer, n);
}

static void test_verdicts(void)
{
	is(verdict(0, 1, 12), 0, "an answer");
	is(verdict(0, 256, 500), 0, "a great many");
	is(verdict(0, 0, 12), NO_DATA, "none");
	is(verdict(2, 0, 12), TRY_AGAIN, "SERVFAIL");
	is(verdict(3, 0, 12), HOST_NOT_FOUND, "NXDOMAIN");
	is(verdict(3, 1, 12), HOST_NOT_FOUND, "NXDOMAIN behind an alias");
	is(verdict(1, 0, 12), NO_RECOVERY, "FORMERR");
	is(verdict(4, 0, 12), NO_RECOVERY, "NOTIMP");
	is(verdict(5, 0, 12), NO_RECOVERY, "REFUSED");
	is(verdict(0, 1, 11), TRY_AGAIN, "half a header");
	is(verdict(0, 1, -ECONNREFUSED), TRY_AGAIN, "no answer");
}

static void test_bad_sizes(void)
{
	unsigned char query[12] = { 0 }, answer[16];

	is(pw_query_send(query, PW_MESSAGE_BYTES + 1, answer, sizeof(answer)),
	   -EMSGSIZE, "too long a question");
	is(pw_query_send(query, sizeof(query), answer, 11), -EINVAL,
	   "no room for a header");
	is(pw_query_send(query, sizeof(query), answer, sizeof(answer)),
	   -ECONNREFUSED, "no helper");
}

int main(void)
{
	test_verdicts();
	test_bad_sizes();
	return tap_end();
}
