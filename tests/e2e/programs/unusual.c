/* SPDX-License-Identifier: MIT */
/*
 * usage: unusual DEVICE
 *
 * Tries what is not TCP by a plain connect(), and says what came of each.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
	MPTCP = 262,
	SCTP = 132,
	DCCP_TYPE = 6,
	DCCP = 33,
	UDPLITE = 136,
};

static struct sockaddr_in far = { .sin_family = AF_INET },
			  group = { .sin_family = AF_INET },
			  nowhere = { .sin_family = AF_UNSPEC };
static char text[] = "out";

#define TO(address) (struct sockaddr *)&(address), sizeof(address)

static void say(const char *what, long result)
{
	printf("%s: %s\n", what, result < 0 ? strerror(errno) : "ok");
}

static int made(const char *what, int family, int type, int protocol)
{
	int fd = socket(family, type, protocol);

	say(what, fd);
	return fd;
}

static void try_sockets(const char *device)
{
	struct sockaddr_ll link = { .sll_family = AF_PACKET,
				    .sll_protocol = htons(ETH_P_IP),
				    .sll_ifindex =
					    (int)if_nametoindex(device) };
	int fd = made("packet", AF_PACKET, SOCK_DGRAM, htons(ETH_P_IP));

	if (fd >= 0)
		say("packet sent", sendto(fd, text, 3, 0, TO(link)));
	fd = made("raw", AF_INET, SOCK_RAW, IPPROTO_UDP);
	if (fd >= 0)
		say("raw sent", sendto(fd, text, 3, 0, TO(far)));
	made("raw ICMPv6", AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
	fd = made("ping", AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
	if (fd >= 0)
		say("ping sent",
		    sendto(fd, "\10\0\0\0\0\0\0\0", 8, 0, TO(far)));
	made("SCTP", AF_INET, SOCK_STREAM, SCTP);
	made("SCTP packets", AF_INET, SOCK_SEQPACKET, SCTP);
	made("DCCP", AF_INET, DCCP_TYPE, DCCP);
	made("UDP-Lite", AF_INET, SOCK_DGRAM, UDPLITE);
	made("MPTCP", AF_INET, SOCK_STREAM, MPTCP);
	made("vsock", AF_VSOCK, SOCK_STREAM, 0);
	made("TIPC", AF_TIPC, SOCK_STREAM, 0);
	made("Bluetooth", AF_BLUETOOTH, SOCK_STREAM, 0);
	made("XDP", 44, SOCK_RAW, 0);
}

static void try_datagrams(void)
{
	struct iovec iov = { .iov_base = text, .iov_len = 3 };
	struct mmsghdr several[2] = {
		{ .msg_hdr = { .msg_name = &far,
			       .msg_namelen = sizeof(far),
			       .msg_iov = &iov,
			       .msg_iovlen = 1 } },
	};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	several[1] = several[0];
	say("sendto", sendto(fd, text, 3, 0, TO(far)));
	say("sendmsg", sendmsg(fd, &several[0].msg_hdr, 0));
	say("sendmmsg", sendmmsg(fd, several, 2, 0));
	say("connect", connect(fd, TO(far)));
	say("write", write(fd, text, 3));
	say("writev", writev(fd, &iov, 1));
	say("disconnect", connect(fd, TO(nowhere)));
	say("to a group", sendto(fd, text, 3, 0, TO(group)));
	far.sin_port = htons(0);
	say("probe", connect(fd, TO(far)));
	say("probe written", write(fd, text, 3));
	close(fd);
}

static void try_options(const char *device)
{
	struct ip_mreqn membership = { .imr_multiaddr = group.sin_addr,
				       .imr_ifindex =
					       (int)if_nametoindex(device) };
	struct ipv6_mreq membership6 = { .ipv6mr_interface =
						 if_nametoindex(device) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0),
	    fd6 = socket(AF_INET6, SOCK_DGRAM, 0);

	inet_pton(AF_INET6, "ff02::fb", &membership6.ipv6mr_multiaddr);
	say("join", setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &membership,
			       sizeof(membership)));
	say("join v6", setsockopt(fd6, IPPROTO_IPV6, IPV6_JOIN_GROUP,
				  &membership6, sizeof(membership6)));
	say("device", setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device,
				 (socklen_t)strlen(device)));
	far.sin_port = htons(4433);
	say("sent by device", sendto(fd, text, 3, 0, TO(far)));
}

static void try_streams(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
	struct iovec iov = { .iov_base = text, .iov_len = 3 };
	struct msghdr message = { .msg_name = &far,
				  .msg_namelen = sizeof(far),
				  .msg_iov = &iov,
				  .msg_iovlen = 1 };

	say("unconnected sendto", sendto(fd, text, 3, MSG_NOSIGNAL, TO(far)));
	say("unconnected sendmsg", sendmsg(fd, &message, MSG_NOSIGNAL));
	say("option",
	    setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof(on)));
	say("fast connect", connect(fd, TO(far)));
	close(fd);
}

int main(int argc, char **argv)
{
	char room[128] = { 0 };

	if (argc != 2)
		return 2;
	far.sin_port = group.sin_port = htons(4433);
	inet_pton(AF_INET, "198.51.100.9", &far.sin_addr);
	inet_pton(AF_INET, "224.0.0.251", &group.sin_addr);
	try_sockets(argv[1]);
	try_datagrams();
	try_options(argv[1]);
	try_streams();
	say("io_uring", syscall(SYS_io_uring_setup, 1, room));
	return 0;
}
