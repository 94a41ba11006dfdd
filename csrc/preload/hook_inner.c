/* SPDX-License-Identifier: MIT */
/*
 * Functions of libc that connect, or ask name servers, by calls of its own
 * which no hook sees: refused.
 */
#include "libc.h"
#include "refuse.h"

#include <fcntl.h>

#pragma GCC diagnostic ignored "-Wunused-parameter"

static int refuse_net(const char *function, struct netent **res, int *h_err)
{
	pw_refuse(function);
	*res = NULL;
	*h_err = TRY_AGAIN;
	return EAGAIN;
}

struct netent *hook_getnetbyname(const char *name)
{
	pw_refuse("getnetbyname");
	return NULL;
}

struct netent *hook_getnetbyaddr(uint32_t net, int type)
{
	pw_refuse("getnetbyaddr");
	return NULL;
}

int hook_getnetbyname_r(const char *name, struct netent *ret, char *buf,
			size_t size, struct netent **res, int *h_err)
{
	return refuse_net("getnetbyname_r", res, h_err);
}

int hook_getnetbyaddr_r(uint32_t net, int type, struct netent *ret, char *buf,
			size_t size, struct netent **res, int *h_err)
{
	return refuse_net("getnetbyaddr_r", res, h_err);
}

int hook_rcmd(char **host, unsigned short port, const char *local,
	      const char *remote, const char *command, int *fd2)
{
	return pw_refuse("rcmd");
}

int hook_rcmd_af(char **host, unsigned short port, const char *local,
		 const char *remote, const char *command, int *fd2,
		 sa_family_t af)
{
	return pw_refuse("rcmd_af");
}

int hook_rexec(char **host, int port, const char *user, const char *password,
	       const char *command, int *fd2)
{
	return pw_refuse("rexec");
}

int hook_rexec_af(char **host, int port, const char *user, const char *password,
		  const char *command, int *fd2, sa_family_t af)
{
	return pw_refuse("rexec_af");
}

int hook_ruserok(const char *host, int superuser, const char *remote,
		 const char *local)
{
	return pw_refuse("ruserok");
}

int hook_iruserok(uint32_t addr, int superuser, const char *remote,
		  const char *local)
{
	return pw_refuse("iruserok");
}

int hook_iruserok_af(const void *addr, int superuser, const char *remote,
		     const char *local, sa_family_t af)
{
	return pw_refuse("iruserok_af");
}

int hook_ruserok_af(const char *host, int superuser, const char *remote,
		    const char *local, sa_family_t af)
{
	return pw_refuse("ruserok_af");
}

/* From its file, as libc does, but never from the address of our own name. */
long hook_gethostid(void)
{
	int32_t id = 0;
	long fd = pw_sys(SYS_openat, AT_FDCWD, "/etc/hostid",
			 O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	if (pw_sys(SYS_read, fd, &id, sizeof(id)) != sizeof(id))
		id = 0;
	pw_sys(SYS_close, fd);
	return id;
}
