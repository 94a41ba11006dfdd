/* SPDX-License-Identifier: MIT */
/*
 * What all programs share. Each is one behaviour: it prints a trace, which a
 * test compares, and EXIT-SUCCESS at its end.
 *
 * usage: program HOST PORT [MODE [ARGUMENT]]
 *
 * HOST is a literal address. Connections to it stay pending until go(), which
 * asks the test, on stdout and stdin, to let them succeed or fail.
 */
#ifndef TRACE_H
#define TRACE_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static struct sockaddr_storage dest;
static socklen_t dest_len;
static const char *mode = "", *argument = "";
static char **arguments;

#define DEST (const struct sockaddr *)&dest, dest_len
#define say(...) (dprintf(1, __VA_ARGS__), dprintf(1, "\n"))
#define is_mode(name) (strcmp(mode, name) == 0)

/* No call sets it, so that one which does is seen. */
enum {
	UNTOUCHED = 4242
};

static inline long traced(const char *what, long ret, int error)
{
	if (ret < 0)
		say("%s = %ld %s", what, ret, strerror(error));
	else
		say("%s = %ld%s", what, ret,
		    error == UNTOUCHED ? "" : ", errno changed");
	return ret;
}

#define TRY(call)                           \
	({                                  \
		long ret_;                  \
		errno = UNTOUCHED;          \
		ret_ = (long)(call);        \
		traced(#call, ret_, errno); \
	})

#define MUST(condition)                                              \
	do {                                                         \
		if (!(condition)) {                                  \
			say("line %d: %s: %s", __LINE__, #condition, \
			    strerror(errno));                        \
			_exit(1);                                    \
		}                                                    \
	} while (0)

static inline void read_dest(const char *host, const char *port)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&dest;
	struct sockaddr_in *in = (struct sockaddr_in *)&dest;

	if (inet_pton(AF_INET6, host, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((uint16_t)atoi(port));
		dest_len = sizeof(*in6);
		return;
	}
	MUST(inet_pton(AF_INET, host, &in->sin_addr) == 1);
	in->sin_family = AF_INET;
	in->sin_port = htons((uint16_t)atoi(port));
	dest_len = sizeof(*in);
}

static inline int tcp(int flags)
{
	int fd = socket(dest.ss_family, SOCK_STREAM | flags, 0);

	MUST(fd >= 0);
	return fd;
}

/* A non-blocking socket whose connect() has just said EINPROGRESS. */
static inline int pending(void)
{
	int fd = tcp(SOCK_NONBLOCK);

	MUST(connect(fd, DEST) < 0 && errno == EINPROGRESS);
	return fd;
}

/* Whatever is pending, and whatever comes, succeeds or fails from here on. */
static inline void go(void)
{
	char answer;

	MUST(write(1, "!go\n", 4) == 4);
	MUST(read(0, &answer, 1) == 1);
}

static inline void go_at_alarm(int number)
{
	int saved = errno;

	(void)number;
	go();
	errno = saved;
}

/* The same a little later, whatever the program waits in then. */
static inline void go_soon(void)
{
	struct sigaction action = { .sa_handler = go_at_alarm,
				    .sa_flags = SA_RESTART };

	MUST(sigaction(SIGALRM, &action, NULL) == 0);
	MUST(ualarm(30000, 0) == 0);
}

static inline int await(int fd)
{
	struct pollfd one = { .fd = fd, .events = POLLOUT };

	MUST(poll(&one, 1, 20000) == 1);
	return one.revents;
}

static inline int so_error(int fd)
{
	int error = -1;
	socklen_t n = sizeof(error);

	MUST(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) == 0);
	return error;
}

static inline bool peer_is_dest(int fd)
{
	struct sockaddr_storage peer = { 0 };
	socklen_t n = sizeof(peer);

	return getpeername(fd, (struct sockaddr *)&peer, &n) == 0 &&
	       n == dest_len && memcmp(&peer, &dest, n) == 0;
}

/* Whether what is sent comes back. */
static inline bool echoes(int fd)
{
	char byte = 'x';
	struct pollfd one = { .fd = fd, .events = POLLIN };

	return send(fd, &byte, 1, MSG_NOSIGNAL) == 1 &&
	       poll(&one, 1, 20000) == 1 && recv(fd, &byte, 1, 0) == 1;
}

/* How it ended, as the application can tell. */
static inline void tell_end(int fd)
{
	TRY(await(fd));
	say("error: %s", strerror(so_error(fd)));
	TRY(peer_is_dest(fd));
	if (peer_is_dest(fd))
		TRY(echoes(fd));
}

/* The name of what getaddrinfo() and getnameinfo() return. */
static inline const char *eai(int error)
{
	switch (error) {
	case 0:
		return "ok";
	case EAI_BADFLAGS:
		return "EAI_BADFLAGS";
	case EAI_NONAME:
		return "EAI_NONAME";
	case EAI_AGAIN:
		return "EAI_AGAIN";
	case EAI_FAMILY:
		return "EAI_FAMILY";
	case EAI_SERVICE:
		return "EAI_SERVICE";
	case EAI_OVERFLOW:
		return "EAI_OVERFLOW";
	default:
		return "another error";
	}
}

static void play(void);

int main(int argc, char **argv)
{
	MUST(argc >= 3);
	arguments = argv;
	read_dest(argv[1], argv[2]);
	mode = argc > 3 ? argv[3] : "";
	argument = argc > 4 ? argv[4] : "";
	play();
	say("EXIT-SUCCESS");
	return 0;
}

#endif
