/* SPDX-License-Identifier: MIT */
/*
 * usage: ways WAY DEVICE
 *
 * Asks a name server, or connects to loopback, by a device or a route of its
 * own choice, or by another name of a function; says what came of it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

extern int __connect(int fd, const struct sockaddr *addr, socklen_t len);

static const unsigned char question[] =
	"?!\1\0\0\1\0\0\0\0\0\0\6secret\4test\0\0\1\0\1";

static struct sockaddr_in server(const char *host, int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)port) };

	to.sin_addr.s_addr = inet_addr(host);
	return to;
}

static void say(const char *what, long result)
{
	printf("%s: %s\n", what, result < 0 ? strerror(errno) : "ok");
}

static void bind_to(int fd, const char *device)
{
	say("device", setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device,
				 (socklen_t)strlen(device)));
}

static void ask(int fd)
{
	struct sockaddr_in to = server("198.51.100.53", 53);

	say("ask", sendto(fd, question, sizeof(question) - 1, 0,
			  (struct sockaddr *)&to, sizeof(to)));
}

static void ask_by(int fd, const char *device, bool is_connected)
{
	struct sockaddr_in to = server("198.51.100.53", 53);
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(struct in_pktinfo))];
	} control = { .head = { .cmsg_level = IPPROTO_IP,
				.cmsg_type = IP_PKTINFO,
				.cmsg_len =
					CMSG_LEN(sizeof(struct in_pktinfo)) } };
	struct in_pktinfo info = { .ipi_ifindex = (int)if_nametoindex(device) };
	struct iovec iov = { .iov_base = (void *)question,
			     .iov_len = sizeof(question) - 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };

	memcpy(CMSG_DATA(&control.head), &info, sizeof(info));
	if (is_connected) {
		say("connect", connect(fd, (struct sockaddr *)&to, sizeof(to)));
	} else {
		msg.msg_name = &to;
		msg.msg_namelen = sizeof(to);
	}
	say("ask", sendmsg(fd, &msg, 0));
}

/* IPv6 has a device for all datagrams of a socket, and two names for that of
 * one. */
static void ask_v6(const char *device, int type)
{
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);
	struct sockaddr_in6 to = { .sin6_family = AF_INET6,
				   .sin6_port = htons(53),
				   .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct in6_pktinfo info = { .ipi6_ifindex = if_nametoindex(device) };
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	} control = { .head = { .cmsg_level = IPPROTO_IPV6,
				.cmsg_type = type,
				.cmsg_len = CMSG_LEN(sizeof(info)) } };
	struct iovec iov = { .iov_base = (void *)question,
			     .iov_len = sizeof(question) - 1 };
	struct msghdr msg = { .msg_name = &to,
			      .msg_namelen = sizeof(to),
			      .msg_iov = &iov,
			      .msg_iovlen = 1 };

	memcpy(CMSG_DATA(&control.head), &info, sizeof(info));
	if (type) {
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
	} else {
		say("option", setsockopt(fd, IPPROTO_IPV6, IPV6_PKTINFO, &info,
					 sizeof(info)));
	}
	say("ask", sendmsg(fd, &msg, 0));
}

int main(int argc, char **argv)
{
	const char *way = argc == 3 ? argv[1] : "", *device = argv[argc - 1];
	int fd = socket(AF_INET, SOCK_DGRAM, 0),
	    tcp = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in dns = server("198.51.100.53", 53),
			   local = server("127.0.0.1", 9),
			   far = server("198.51.100.9", 9);
	static const unsigned char route[] = { 131, 7, 4, 198, 51, 100, 9, 0 };
	struct timeval second = { .tv_sec = 1 };
	uint32_t index = htonl(if_nametoindex(device));

	setsockopt(tcp, SOL_SOCKET, SO_SNDTIMEO, &second, sizeof(second));
	if (strcmp(way, "device") == 0) {
		bind_to(fd, device);
		ask(fd);
	} else if (strcmp(way, "device-late") == 0) {
		say("connect",
		    connect(fd, (struct sockaddr *)&dns, sizeof(dns)));
		bind_to(fd, device);
		send(fd, question, sizeof(question) - 1, 0);
	} else if (strcmp(way, "loopback") == 0) {
		bind_to(fd, "lo");
		ask(fd);
	} else if (strcmp(way, "message") == 0) {
		ask_by(fd, device, false);
	} else if (strcmp(way, "message-connected") == 0) {
		ask_by(fd, device, true);
	} else if (strcmp(way, "unicast") == 0) {
		say("option",
		    setsockopt(fd, IPPROTO_IP, 50, &index, sizeof(index)));
		ask(fd);
	} else if (strcmp(way, "route") == 0) {
		say("option", setsockopt(fd, IPPROTO_IP, IP_OPTIONS, route,
					 sizeof(route)));
		ask(fd);
	} else if (strcmp(way, "sticky") == 0) {
		ask_v6(device, 0);
	} else if (strcmp(way, "message-v6") == 0) {
		ask_v6(device, IPV6_PKTINFO);
	} else if (strcmp(way, "message-old") == 0) {
		ask_v6(device, IPV6_2292PKTINFO);
	} else if (strcmp(way, "tcp-device") == 0) {
		bind_to(tcp, device);
		say("connect",
		    connect(tcp, (struct sockaddr *)&local, sizeof(local)));
	} else if (strcmp(way, "other-name") == 0) {
		say("connect",
		    __connect(tcp, (struct sockaddr *)&far, sizeof(far)));
	} else {
		return 2;
	}
	return 0;
}
