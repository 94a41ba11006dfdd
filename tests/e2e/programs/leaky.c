/* Try one way out, by its name; say what came of it.
 *
 * usage: leaky WAY ADDRESS4 ADDRESS6 NAME
 *
 * The ways are those by which programs were seen to get past other wrappers.
 * Nothing here waits: a packet that is sent is sent.
 */

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <resolv.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct sockaddr_in to4 = { .sin_family = AF_INET };
static struct sockaddr_in6 to6 = { .sin6_family = AF_INET6 },
			   mapped = { .sin6_family = AF_INET6 };
static struct sockaddr_in stub = { .sin_family = AF_INET };
static const char *name;
static char text[] = "out";

#define TO(address) (struct sockaddr *)&(address), sizeof(address)

static long send_message(int fd, int flags, void *address, socklen_t size)
{
	struct iovec iov = { .iov_base = text, .iov_len = sizeof(text) };
	struct msghdr message = { .msg_name = address,
				  .msg_namelen = size,
				  .msg_iov = &iov,
				  .msg_iovlen = 1 };

	return sendmsg(fd, &message, flags);
}

static long send_messages(int fd, void *address, socklen_t size)
{
	struct iovec iov = { .iov_base = text, .iov_len = sizeof(text) };
	struct mmsghdr message = { .msg_hdr = { .msg_name = address,
						.msg_namelen = size,
						.msg_iov = &iov,
						.msg_iovlen = 1 } };

	return sendmmsg(fd, &message, 1, 0);
}

static long connect_and_send(int fd, void *address, socklen_t size)
{
	long status = connect(fd, address, size);

	return status < 0 ? status : send(fd, text, sizeof(text), MSG_NOSIGNAL);
}

static long fast_open_connect(int fd)
{
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof(on));
	return connect_and_send(fd, TO(to4));
}

static long ask_asynchronously(void)
{
	struct gaicb request = { .ar_name = name }, *requests[] = { &request };
	int status = getaddrinfo_a(GAI_WAIT, requests, 1, NULL);

	return status != 0 ? status : gai_error(&request);
}

static long ask_reentrantly(void)
{
	struct hostent entry, *found;
	char buffer[4096];
	int error;

	gethostbyname_r(name, &entry, buffer, sizeof(buffer), &found, &error);
	return found == NULL ? -1 : 0;
}

static long ask_backwards(void)
{
	char host[NI_MAXHOST];

	return getnameinfo(TO(to4), host, sizeof(host), NULL, 0, NI_NAMEREQD);
}

static long ask_resolver(int (*ask)(const char *, int, int, unsigned char *,
				    int))
{
	unsigned char answer[512];

	return ask(name, ns_c_in, ns_t_a, answer, sizeof(answer));
}

static long ask_by_own_query(void)
{
	unsigned char query[512], answer[512];
	int size = res_mkquery(ns_o_query, name, ns_c_in, ns_t_a, NULL, 0, NULL,
			       query, sizeof(query));

	return res_send(query, size, answer, sizeof(answer));
}

int main(int argc, char **argv)
{
	if (argc != 5)
		return 2;
	name = argv[4];
	to4.sin_port = to6.sin6_port = mapped.sin6_port = htons(4433);
	stub.sin_port = htons(53);
	inet_pton(AF_INET, argv[2], &to4.sin_addr);
	inet_pton(AF_INET6, argv[3], &to6.sin6_addr);
	inet_pton(AF_INET, "127.0.0.53", &stub.sin_addr);
	memset(&mapped.sin6_addr.s6_addr[10], 0xff, 2);
	memcpy(&mapped.sin6_addr.s6_addr[12], &to4.sin_addr, 4);

	int udp = socket(AF_INET, SOCK_DGRAM, 0),
	    udp6 = socket(AF_INET6, SOCK_DGRAM, 0);
	int tcp = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0),
	    tcp6 = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct sockaddr_in dns = to4, no_family = to4, mdns = to4,
			   dns_no_family = to4;
	struct sockaddr_in6 dns6 = to6;
	long status = -1000;

	dns.sin_port = dns_no_family.sin_port = dns6.sin6_port = htons(53);
	no_family.sin_family = dns_no_family.sin_family = AF_UNSPEC;
	mdns.sin_port = htons(5353);
	inet_pton(AF_INET, "224.0.0.251", &mdns.sin_addr);
	errno = 0;

#define WAY(way, call)                  \
	if (strcmp(argv[1], #way) == 0) \
	status = (call)

	WAY(udp_sendto, sendto(udp, text, 3, 0, TO(to4)));
	WAY(udp_sendto_v6, sendto(udp6, text, 3, 0, TO(to6)));
	WAY(udp_sendto_mapped, sendto(udp6, text, 3, 0, TO(mapped)));
	WAY(udp_sendmsg, send_message(udp, 0, TO(to4)));
	WAY(udp_sendmmsg, send_messages(udp, TO(to4)));
	WAY(udp_connect, connect_and_send(udp, TO(to4)));
	WAY(udp_connect_v6, connect_and_send(udp6, TO(to6)));
	WAY(udp_syscall, syscall(SYS_sendto, udp, text, 3, 0, TO(to4)));
	WAY(udp_no_family, sendto(udp, text, 3, 0, TO(no_family)));
	WAY(udp_mdns, sendto(udp, text, 3, 0, TO(mdns)));
	WAY(dns_udp, sendto(udp, text, 3, 0, TO(dns)));
	WAY(dns_udp_no_family, sendto(udp, text, 3, 0, TO(dns_no_family)));
	WAY(dns_udp_v6, sendto(udp6, text, 3, 0, TO(dns6)));
	WAY(dns_sendmmsg, send_messages(udp, TO(dns)));
	WAY(dns_connect, connect_and_send(udp, TO(dns)));
	WAY(dns_syscall, syscall(SYS_sendto, udp, text, 3, 0, TO(dns)));
	WAY(dns_tcp, connect(tcp, TO(dns)));
	WAY(tcp_connect, connect(tcp, TO(to4)));
	WAY(tcp_connect_v6, connect(tcp6, TO(to6)));
	WAY(tcp_connect_mapped, connect(tcp6, TO(mapped)));
	WAY(tcp_syscall, syscall(SYS_connect, tcp, TO(to4)));
	WAY(fastopen_sendto, sendto(tcp, text, 3, MSG_FASTOPEN, TO(to4)));
	WAY(fastopen_sendmsg, send_message(tcp, MSG_FASTOPEN, TO(to4)));
	WAY(fastopen_connect, fast_open_connect(tcp));
	WAY(raw, sendto(socket(AF_INET, SOCK_RAW, IPPROTO_UDP), text, 3, 0,
			TO(to4)));
	WAY(icmp, sendto(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP),
			 "\10\0\367\377\0\0\0\0", 8, 0, TO(to4)));
	WAY(stub_udp, sendto(udp, text, 3, 0, TO(stub)));
	WAY(stub_udp_connect, connect_and_send(udp, TO(stub)));
	WAY(stub_tcp, connect(tcp, TO(stub)));
	WAY(getaddrinfo_a, ask_asynchronously());
	WAY(gethostbyname, gethostbyname(name) != NULL);
	WAY(gethostbyname2, gethostbyname2(name, AF_INET6) != NULL);
	WAY(gethostbyname_r, ask_reentrantly());
	WAY(gethostbyaddr, gethostbyaddr(&to4.sin_addr, 4, AF_INET) != NULL);
	WAY(getnameinfo, ask_backwards());
	WAY(ruserok, ruserok(name, 0, "me", "me"));
	WAY(res_query, ask_resolver(res_query));
	WAY(res_search, ask_resolver(res_search));
	WAY(res_send, ask_by_own_query());
	printf("%s: %ld, %s\n", argv[1], status, strerror(errno));
	return status == -1000 ? 2 : 0;
}
