/* SPDX-License-Identifier: MIT */
/*
 * The resolver's own interface, which builds and sends DNS messages past every
 * other hook. The messages are still libc's, but the helper answers them. Names
 * are absolute, whatever resolv.conf says: where they are resolved there is no
 * search list of ours.
 */
#include "libc.h"
#include "query.h"

#include <arpa/nameser.h>
#include <resolv.h>

extern int *pw_h_errno(void) __asm__("__h_errno_location");

/* Pure; the one name that both C libraries have it under. */
extern int pw_res_mkquery(int op, const char *name, int class, int type,
			  const unsigned char *data, int n,
			  const unsigned char *newrr, unsigned char *buf,
			  int size) __asm__("res_mkquery")
	__attribute__((weak));

#ifdef __GLIBC__
static void set_state(struct __res_state *state, int h_error)
{
	if (state)
		state->res_h_errno = h_error;
}
#else
static void set_state(void *state, int h_error)
{
	(void)state; /* musl has no function that takes one */
	(void)h_error;
}
#endif

static int fail(void *state, int h_error)
{
	set_state(state, h_error);
	*pw_h_errno() = h_error;
	return -1;
}

static int send_query(const unsigned char *query, int n, unsigned char *answer,
		      int size)
{
	int saved = errno;
	int ret = n < 0 || size < 0 ? -EINVAL
				    : pw_query_send(query, (size_t)n, answer,
						    (size_t)size);

	if (ret >= 0)
		errno = saved;
	return (int)pw_result(ret);
}

static int query(void *state, const char *name, int class, int type,
		 unsigned char *answer, int size)
{
	unsigned char buf[PW_MESSAGE_BYTES];
	int n = pw_res_mkquery ? pw_res_mkquery(ns_o_query, name, class, type,
						NULL, 0, NULL, buf, sizeof(buf))
			       : -1;
	int h_error;

	if (n <= 0)
		return fail(state, NO_RECOVERY);
	n = send_query(buf, n, answer, size);
	h_error = pw_query_verdict(answer, n);
	if (h_error)
		return fail(state, h_error);
	set_state(state, 0);
	return n;
}

static int query_domain(void *state, const char *name, const char *domain,
			int class, int type, unsigned char *answer, int size)
{
	char whole[NS_MAXDNAME];
	size_t n = strnlen(name, sizeof(whole)),
	       more = domain ? strnlen(domain, sizeof(whole)) : 0;

	if (n + more + 2 > sizeof(whole))
		return fail(state, NO_RECOVERY);
	memcpy(whole, name, n);
	if (domain) {
		whole[n++] = '.';
		memcpy(whole + n, domain, more);
	} else if (n > 0 && whole[n - 1] == '.') {
		n--;
	}
	whole[n + more] = '\0';
	return query(state, whole, class, type, answer, size);
}

/*
 * The sending is done in this call, so that libc has nothing to wait for:
 * gai_error() reads what is noted here, gai_suspend() and gai_cancel() find no
 * request under way. For no entries libc does nothing but to tell of the end,
 * in the way that is asked for.
 */
int hook_getaddrinfo_a(int mode, struct gaicb **list, int n,
		       struct sigevent *sev)
{
	int saved = errno;

	if (mode != GAI_WAIT && mode != GAI_NOWAIT) {
		errno = EINVAL;
		return EAI_SYSTEM;
	}
	for (int i = 0; i < n; i++) {
		struct gaicb *one = list[i];

		if (one)
			one->__return = hook_getaddrinfo(
				one->ar_name, one->ar_service, one->ar_request,
				&one->ar_result);
	}
	errno = saved;
	return pw_libc.getaddrinfo_a(mode, list, 0, sev);
}

int hook_res_query(const char *name, int class, int type, unsigned char *answer,
		   int size)
{
	return query(NULL, name, class, type, answer, size);
}

int hook_res_search(const char *name, int class, int type,
		    unsigned char *answer, int size)
{
	return query(NULL, name, class, type, answer, size);
}

int hook_res_querydomain(const char *name, const char *domain, int class,
			 int type, unsigned char *answer, int size)
{
	return query_domain(NULL, name, domain, class, type, answer, size);
}

int hook_res_send(const unsigned char *message, int n, unsigned char *answer,
		  int size)
{
	return send_query(message, n, answer, size);
}

int hook_res_nquery(void *state, const char *name, int class, int type,
		    unsigned char *answer, int size)
{
	return query(state, name, class, type, answer, size);
}

int hook_res_nsearch(void *state, const char *name, int class, int type,
		     unsigned char *answer, int size)
{
	return query(state, name, class, type, answer, size);
}

int hook_res_nquerydomain(void *state, const char *name, const char *domain,
			  int class, int type, unsigned char *answer, int size)
{
	return query_domain(state, name, domain, class, type, answer, size);
}

int hook_res_nsend(void *state, const unsigned char *message, int n,
		   unsigned char *answer, int size)
{
	(void)state;
	return send_query(message, n, answer, size);
}

/* Under the names that programs built for an older glibc call. */

int hook___res_query(const char *name, int class, int type,
		     unsigned char *answer, int size)
{
	return hook_res_query(name, class, type, answer, size);
}

int hook___res_search(const char *name, int class, int type,
		      unsigned char *answer, int size)
{
	return hook_res_search(name, class, type, answer, size);
}

int hook___res_querydomain(const char *name, const char *domain, int class,
			   int type, unsigned char *answer, int size)
{
	return hook_res_querydomain(name, domain, class, type, answer, size);
}

int hook___res_send(const unsigned char *message, int n, unsigned char *answer,
		    int size)
{
	return hook_res_send(message, n, answer, size);
}

int hook___res_nquery(void *state, const char *name, int class, int type,
		      unsigned char *answer, int size)
{
	return hook_res_nquery(state, name, class, type, answer, size);
}

int hook___res_nsearch(void *state, const char *name, int class, int type,
		       unsigned char *answer, int size)
{
	return hook_res_nsearch(state, name, class, type, answer, size);
}

int hook___res_nquerydomain(void *state, const char *name, const char *domain,
			    int class, int type, unsigned char *answer,
			    int size)
{
	return hook_res_nquerydomain(state, name, domain, class, type, answer,
				     size);
}

int hook___res_nsend(void *state, const unsigned char *message, int n,
		     unsigned char *answer, int size)
{
	return hook_res_nsend(state, message, n, answer, size);
}
