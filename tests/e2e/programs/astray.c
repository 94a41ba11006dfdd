/* What a datagram socket says of itself that is connected beyond this host.
 *
 * usage: astray look HOST PORT...      connect one socket to each HOST PORT in
 *                                      turn, and tell its own address
 *        astray send HOST PORT         connect, send in every way there is,
 * each by a socket of its own, and wait astray copy HOST PORT         likewise
 * by a copy of the descriptor
 */

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static struct addrinfo *find(const char *host, const char *port)
{
	struct addrinfo hints = { .ai_socktype = SOCK_DGRAM,
				  .ai_flags = AI_NUMERICSERV },
			*found;

	if (getaddrinfo(host, port, &hints, &found) != 0)
		exit(2);
	return found;
}

static const char *show(int fd, int (*ask)(int, struct sockaddr *, socklen_t *),
			char *text)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);
	char host[64], port[16];

	if (ask(fd, (struct sockaddr *)&address, &size) < 0)
		return strerror(errno);
	getnameinfo((struct sockaddr *)&address, size, host, sizeof(host), port,
		    sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV);
	sprintf(text, ask == getsockname ? "%s" : "%s %s", host, port);
	return text;
}

static void tell(const char *what, long status)
{
	printf("%s %s\n", what, status < 0 ? strerror(errno) : "done");
}

static void look(char **words)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	char own[128], peer[128];
	int fd = -1, family = AF_UNSPEC;

	for (; words[0]; words += 2) {
		struct addrinfo *to = find(words[0], words[1]);
		if (to->ai_family != family)
			fd = socket(family = to->ai_family, SOCK_DGRAM, 0);
		if (connect(fd, to->ai_addr, to->ai_addrlen) < 0)
			printf("%s: %s\n", words[0], strerror(errno));
		else
			printf("%s: from %s to %s\n", words[0],
			       show(fd, getsockname, own),
			       show(fd, getpeername, peer));
		connect(fd, &none, sizeof(none));
		printf("%s\n", show(fd, getpeername, peer));
	}
}

static long send_by(const char *way, int fd)
{
	struct iovec part = { "x", 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	struct mmsghdr several = { .msg_hdr = message };

	if (strcmp(way, "send") == 0)
		return send(fd, "x", 1, 0);
	if (strcmp(way, "sendmsg") == 0)
		return sendmsg(fd, &message, 0);
	if (strcmp(way, "sendmmsg") == 0)
		return sendmmsg(fd, &several, 1, 0);
	if (strcmp(way, "write") == 0)
		return write(fd, "x", 1);
	if (strcmp(way, "writev") == 0)
		return writev(fd, &part, 1);
	if (strcmp(way, "stdio") == 0)
		return dprintf(fd, "x");
	exit(2);
}

static void send_all(const struct addrinfo *to, bool is_copy)
{
	static const char *const ways[] = { "send",  "sendmsg", "sendmmsg",
					    "write", "writev",	"stdio" };

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct pollfd one = { .events = POLLIN };
		char byte;
		long status;

		one.fd = socket(to->ai_family, SOCK_DGRAM, 0);
		tell("connect", connect(one.fd, to->ai_addr, to->ai_addrlen));
		if (is_copy)
			one.fd = dup(one.fd);
		status = send_by(ways[i], one.fd);
		/* The kernel tells a moment later of what was not delivered. */
		if (status >= 0) {
			poll(&one, 1, 5000);
			status = recv(one.fd, &byte, 1, MSG_DONTWAIT);
		}
		tell(ways[i], status);
	}
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 2;
	if (strcmp(argv[1], "look") == 0)
		look(argv + 2);
	else
		send_all(find(argv[2], argv[3]), strcmp(argv[1], "copy") == 0);
	return 0;
}
