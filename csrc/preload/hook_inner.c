/* SPDX-License-Identifier: MIT */
/*
 * Functions of libc that connect, or ask name servers, by calls of its own
 * which no hook sees: refused.
 */
#include "channel.h"
#include "libc.h"

#include <fcntl.h>

#pragma GCC diagnostic ignored "-Wunused-parameter"

extern int *pw_h_errno(void) __asm__("__h_errno_location");

static int refuse(const char *function)
{
	pw_blocked(PW_BLOCKED_RESOLVER, NULL, function);
	*pw_h_errno() = TRY_AGAIN;
	errno = ECONNREFUSED;
	return -1;
}

static int refuse_net(const char *function, struct netent **res, int *h_err)
{
	refuse(function);
	*res = NULL;
	*h_err = TRY_AGAIN;
	return EAGAIN;
}

struct netent *hook_getnetbyname(const char *name)
{
	refuse("getnetbyname");
	return NULL;
}

struct netent *hook_getnetbyaddr(uint32_t net, int type)
{
	refuse("getnetbyaddr");
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
	return refuse("rcmd");
}

int hook_rcmd_af(char **host, unsigned short port, const char *local,
		 const char *remote, const char *command, int *fd2,
		 sa_family_t af)
{
	return refuse("rcmd_af");
}

int hook_rexec(char **host, int port, const char *user, const char *password,
	       const char *command, int *fd2)
{
	return refuse("rexec");
}

int hook_rexec_af(char **host, int port, const char *user, const char *password,
		  const char *command, int *fd2, sa_family_t af)
{
	return refuse("rexec_af");
}

int hook_ruserok(const char *host, int superuser, const char *remote,
		 const char *local)
{
	return refuse("ruserok");
}

int hook_ruserok_af(const char *host, int superuser, const char *remote,
		    const char *local, sa_family_t af)
{
	return refuse("ruserok_af");
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
