/* SPDX-License-Identifier: MIT */
/* The resolver's own interface, call by call: what it returns and what it sets.
 */
#include <arpa/nameser.h>
#include <errno.h>
#include <netdb.h>
#include <resolv.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define TELL(call)                                 \
	do {                                       \
		int n_;                            \
		memset(answer, 0, sizeof(answer)); \
		h_errno = 77;                      \
		n_ = (call);                       \
		tell(#call, n_);                   \
	} while (0)

static unsigned char answer[512], query[512];

static void tell(const char *what, int n)
{
	printf("%s = %d", what, n);
	if (n < 0)
		printf(", h_errno %d\n", h_errno);
	else
		printf(", rcode %d, %d answers\n", answer[3] & 15, answer[7]);
}

int main(void)
{
	int n;

	/* Nothing behind what there is room for is written. */
	n = res_query("site.test", ns_c_in, ns_t_a, answer, 20);
	printf("little room: %d, byte 20: %d\n", n >= 20, answer[20]);
	TELL(res_query("site.test", ns_c_in, ns_t_a, answer, sizeof(answer)));
	TELL(res_query("SITE.test.", ns_c_in, ns_t_a, answer, sizeof(answer)));
	TELL(res_query("site.test", ns_c_in, ns_t_mx, answer, sizeof(answer)));
	TELL(res_query("1.0.0.127.in-addr.arpa", ns_c_in, ns_t_a, answer,
		       sizeof(answer)));
	TELL(res_query("not..a.name", ns_c_in, ns_t_a, answer, sizeof(answer)));
	TELL(res_query("no.such.name.arpa", ns_c_in, ns_t_ptr, answer,
		       sizeof(answer)));
	TELL(res_search("site.test", ns_c_in, ns_t_a, answer, sizeof(answer)));
	TELL(res_search("site.test.", ns_c_in, ns_t_a, answer, sizeof(answer)));
	TELL(res_querydomain("site", "test", ns_c_in, ns_t_a, answer,
			     sizeof(answer)));
	TELL(res_querydomain("site.test.", NULL, ns_c_in, ns_t_a, answer,
			     sizeof(answer)));
	TELL(res_query("site.test", ns_c_in, ns_t_a, answer, 11));

	n = res_mkquery(ns_o_query, "two.test", ns_c_in, ns_t_a, NULL, 0, NULL,
			query, sizeof(query));
	TELL(res_send(query, n, answer, sizeof(answer)));
	printf("its own id: %d\n", memcmp(answer, query, 2) == 0);
#ifdef __GLIBC__
	struct __res_state state = { 0 };

	res_ninit(&state);
	state.res_h_errno = 77;
	TELL(res_nquery(&state, "site.test", ns_c_in, ns_t_a, answer,
			sizeof(answer)));
	printf("state: %d\n", state.res_h_errno == 77 || !state.res_h_errno);
	TELL(res_nquery(&state, "site.test", ns_c_in, ns_t_mx, answer,
			sizeof(answer)));
	printf("state: %d\n", state.res_h_errno);
	TELL(res_nsearch(&state, "site.test", ns_c_in, ns_t_a, answer,
			 sizeof(answer)));
	TELL(res_nquerydomain(&state, "site", "test", ns_c_in, ns_t_a, answer,
			      sizeof(answer)));
	TELL(res_nsend(&state, query, n, answer, sizeof(answer)));
	res_nclose(&state);
#endif
	printf("EXIT-SUCCESS\n");
	return 0;
}
