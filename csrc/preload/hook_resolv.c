/* SPDX-License-Identifier: MIT */
/*
 * The resolver's own interface, which builds and sends DNS messages past every
 * other hook: refused, as a name server that does not answer.
 */
#include "libc.h"
#include "refuse.h"

#pragma GCC diagnostic ignored "-Wunused-parameter"

int hook_getaddrinfo_a(int mode, struct gaicb **list, int n,
		       struct sigevent *sev)
{
	pw_refuse("getaddrinfo_a");
	return EAI_AGAIN;
}

int hook_res_query(const char *name, int class, int type, unsigned char *answer,
		   int size)
{
	return pw_refuse("res_query");
}

int hook___res_query(const char *name, int class, int type,
		     unsigned char *answer, int size)
{
	return pw_refuse("res_query");
}

int hook_res_search(const char *name, int class, int type,
		    unsigned char *answer, int size)
{
	return pw_refuse("res_search");
}

int hook___res_search(const char *name, int class, int type,
		      unsigned char *answer, int size)
{
	return pw_refuse("res_search");
}

int hook_res_querydomain(const char *name, const char *domain, int class,
			 int type, unsigned char *answer, int size)
{
	return pw_refuse("res_querydomain");
}

int hook___res_querydomain(const char *name, const char *domain, int class,
			   int type, unsigned char *answer, int size)
{
	return pw_refuse("res_querydomain");
}

int hook_res_send(const unsigned char *query, int n, unsigned char *answer,
		  int size)
{
	return pw_refuse("res_send");
}

int hook___res_send(const unsigned char *query, int n, unsigned char *answer,
		    int size)
{
	return pw_refuse("res_send");
}

int hook_res_nquery(void *state, const char *name, int class, int type,
		    unsigned char *answer, int size)
{
	return pw_refuse("res_nquery");
}

int hook___res_nquery(void *state, const char *name, int class, int type,
		      unsigned char *answer, int size)
{
	return pw_refuse("res_nquery");
}

int hook_res_nsearch(void *state, const char *name, int class, int type,
		     unsigned char *answer, int size)
{
	return pw_refuse("res_nsearch");
}

int hook___res_nsearch(void *state, const char *name, int class, int type,
		       unsigned char *answer, int size)
{
	return pw_refuse("res_nsearch");
}

int hook_res_nquerydomain(void *state, const char *name, const char *domain,
			  int class, int type, unsigned char *answer, int size)
{
	return pw_refuse("res_nquerydomain");
}

int hook___res_nquerydomain(void *state, const char *name, const char *domain,
			    int class, int type, unsigned char *answer,
			    int size)
{
	return pw_refuse("res_nquerydomain");
}

int hook_res_nsend(void *state, const unsigned char *query, int n,
		   unsigned char *answer, int size)
{
	return pw_refuse("res_nsend");
}

int hook___res_nsend(void *state, const unsigned char *query, int n,
		     unsigned char *answer, int size)
{
	return pw_refuse("res_nsend");
}
