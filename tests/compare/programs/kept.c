/* SPDX-License-Identifier: MIT */
/* What a socket was before connect, it is afterwards. */
#include <sys/stat.h>

#include "trace.h"

static int fd, twin, port;
static struct stat before;

static int option(int level, int name)
{
	int value = -1;
	socklen_t n = sizeof(value);

	getsockopt(fd, level, name, &value, &n);
	return value;
}

static int own_port(void)
{
	struct sockaddr_storage own;
	socklen_t n = sizeof(own);

	MUST(getsockname(fd, (struct sockaddr *)&own, &n) == 0);
	return ((struct sockaddr_in *)&own)->sin_port;
}

static void options(void)
{
	say("FD_CLOEXEC: %d", fcntl(fd, F_GETFD));
	say("O_NONBLOCK: %d", fcntl(fd, F_GETFL) & O_NONBLOCK);
	say("TCP_NODELAY: %d", option(IPPROTO_TCP, TCP_NODELAY));
	say("SO_KEEPALIVE: %d", option(SOL_SOCKET, SO_KEEPALIVE));
	say("TCP_KEEPIDLE: %d", option(IPPROTO_TCP, TCP_KEEPIDLE));
	say("SO_RCVBUF: %d", option(SOL_SOCKET, SO_RCVBUF));
}

static void tell(void)
{
	struct sockaddr_storage peer = { 0 };
	socklen_t n = sizeof(peer);
	struct stat after;

	if (is_mode("options"))
		options();
	if (is_mode("identity")) {
		MUST(fstat(fd, &after) == 0);
		say("inode: %s",
		    before.st_ino == after.st_ino ? "the same" : "another");
		say("port: %s", own_port() == port ? "the same" : "another");
		say("duplicate: %s",
		    echoes(twin) ? "connected" : "not connected");
	}
	if (is_mode("family"))
		say("family: %d", option(SOL_SOCKET, SO_DOMAIN));
	if (is_mode("peer")) {
		TRY(getpeername(fd, (struct sockaddr *)&peer, &n));
		say("peer: %s",
		    peer_is_dest(fd) ? "the destination" : "another");
	}
}

static void to_mapped(void)
{
	struct sockaddr_in in = *(struct sockaddr_in *)&dest;
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
				    .sin6_port = in.sin_port };

	memset(in6.sin6_addr.s6_addr + 10, 0xff, 2);
	memcpy(in6.sin6_addr.s6_addr + 12, &in.sin_addr, 4);
	memcpy(&dest, &in6, dest_len = sizeof(in6));
}

static void play(void)
{
	struct sockaddr_storage any = { 0 };
	int on = 1, idle = 77, size = 50000;

	if (strcmp(argument, "mapped") == 0)
		to_mapped();
	fd = tcp(SOCK_CLOEXEC);
	MUST((twin = dup(fd)) >= 0);
	any.ss_family = dest.ss_family;
	MUST(bind(fd, (struct sockaddr *)&any, dest_len) == 0);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	MUST(fstat(fd, &before) == 0);
	port = own_port();
	TRY(connect(fd, DEST));
	tell();
	TRY(echoes(fd));
}
