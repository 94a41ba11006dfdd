/* SPDX-License-Identifier: MIT */
// sources: csrc/preload/servers.c csrc/preload/udp.c
// sources: csrc/preload/arguments.c csrc/preload/device.c
// sources: csrc/preload/sockaddr.c
#include "preload/servers.h"

#include <arpa/inet.h>
#include <unistd.h>

#include "preload/channel.h"
#include "preload/fdtable.h"
#include "preload/sockaddr.h"
#include "preload/udp.h"
#include "tap.h"

/* A helper that answers with the port 1000 and so on, as often as it may. */
struct pw_tables *_Atomic pw_tables;
union pw_attention pw_attention;

struct pw_tables *pw_tables_map(void)
{
	static struct pw_tables mine;

	pw_tables = &mine;
	return pw_tables;
}

static int asked, reply_error, reported;
static struct pw_addr last;

int pw_channel_ask(struct pw_request *request, struct pw_reply *reply)
{
	*reply = (struct pw_reply){ .error = reply_error, .count = 1 };
	last = request->addr;
	reply->addrs[0].family = request->addr.family;
	reply->addrs[0].port = (uint16_t)(1000 + asked++);
	if (request->addr.family == AF_INET)
		reply->addrs[0].ip[0] = 127;
	reply->addrs[0].ip[15] = request->addr.family == AF_INET6;
	return request->op == PW_OP_SERVER ? 0 : -1;
}

void pw_blocked(enum pw_blocked what, const struct pw_addr *addr,
		const char *name)
{
	(void)addr;
	(void)name;
	reported += what == PW_BLOCKED_UDP;
}

static struct sockaddr_storage addr(const char *text, int port)
{
	struct sockaddr_storage out = { 0 };
	struct sockaddr_in6 *in6 = (void *)&out;
	struct sockaddr_in *in = (void *)&out;

	if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons((uint16_t)port);
	} else if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((uint16_t)port);
	}
	return out;
}

static int way(int fd, struct sockaddr_storage *to)
{
	socklen_t len = to->ss_family == AF_INET6 ? 28 : 16;
	int ret = pw_udp_way(fd, to, &len);

	if (ret == 0)
		is(len, to->ss_family == AF_INET6 ? 28 : 16, "its size");
	return ret;
}

static int port_of(const struct sockaddr_storage *any)
{
	return ntohs(((const struct sockaddr_in *)(const void *)any)->sin_port);
}

static void test_ways(int v4, int v6)
{
	struct sockaddr_storage to = addr("192.0.2.1", 53);

	is(way(v4, &to), 0, "a name server");
	is(port_of(&to), 1000, "is another");
	to = addr("192.0.2.2", 53);
	is(way(v4, &to), 0, "a second");
	is(port_of(&to), 1001, "is another again");
	to = addr("192.0.2.1", 53);
	to.ss_family = AF_UNSPEC;
	is(way(v4, &to), 0, "the first, of no family");
	is(port_of(&to), 1000, "is known");
	is(to.ss_family, AF_INET, "and is IPv4");
	to = addr("192.0.2.1", 53);
	is(way(v6, &to), 0, "IPv4 on an IPv6 socket");
	is(to.ss_family, AF_INET6, "becomes IPv6");
	ok(memcmp(last.ip + 10, "\xff\xff\xc0\0\2\1", 6) == 0, "mapped");
	to = addr("::ffff:192.0.2.1", 53);
	is(way(v6, &to), 0, "which is the same");
	is(port_of(&to), 1002, "as the mapped one");
	is(asked, 3, "each is asked for once");
}

static void test_others(int v4, int v6)
{
	struct sockaddr_storage to = addr("127.0.0.1", 5353);
	socklen_t len = 16;

	is(way(v4, &to), 0, "loopback");
	is(port_of(&to), 5353, "is itself");
	to = addr("127.0.0.1", 853);
	is(way(v4, &to), -ENETUNREACH, "but for DNS over QUIC");
	to = addr("192.0.2.1", 443);
	is(way(v4, &to), -ENETUNREACH, "the rest of the world");
	to.ss_family = AF_UNSPEC;
	is(way(v4, &to), -ENETUNREACH, "of no family either");
	is(reported, 3, "each is told of");
	to.ss_family = AF_UNSPEC;
	is(way(v6, &to), 0, "which says nothing to an IPv6 socket");
	to = addr("2001:db8::1", 443);
	is(way(v4, &to), 0, "the kernel refuses another family");
	len = 8;
	to = addr("192.0.2.1", 443);
	is(pw_udp_way(v4, &to, &len), 0, "and half an address");
	is(reported, 3, "itself");
}

static void test_shown(int v4, int tcp)
{
	struct sockaddr_storage wanted = addr("192.0.2.2", 53), from;
	socklen_t len = 16;

	from = addr("127.0.0.0", 1001);
	pw_server_show(tcp, &from, 16, &len);
	is(port_of(&from), 1001, "a TCP port of that number is another");
	pw_server_show(v4, &from, 8, &len);
	is(port_of(&from), 1001, "one that was cut short stays");
	pw_server_show(v4, &from, 16, &len);
	ok(memcmp(&from, &wanted, 16) == 0, "the server that was asked");
	from = addr("127.0.0.0", 2001);
	pw_server_show(v4, &from, 16, &len);
	is(port_of(&from), 2001, "another port is another's");
	len = 0;
	pw_server_show(v4, &from, 16, &len);
	is(port_of(&from), 2001, "and where there is no address, none");
}

static void test_limits(int v4)
{
	struct sockaddr_storage to;

	reply_error = ENETUNREACH;
	to = addr("192.0.2.9", 53);
	is(way(v4, &to), -ENETUNREACH, "the helper has no more");
	reply_error = 0;
	for (int i = 3; i < PW_SERVERS; i++) {
		to = addr("192.0.3.0", 53);
		((struct sockaddr_in *)&to)->sin_addr.s_addr += htonl(i);
		if (way(v4, &to) != 0)
			ok(false, "server %d", i);
	}
	to = addr("192.0.4.1", 53);
	is(way(v4, &to), -ENETUNREACH, "nor have we");
	to = addr("192.0.2.1", 53);
	is(way(v4, &to), 0, "what is known stays so");
	is(port_of(&to), 1000, "and where it was");
}

int main(void)
{
	int v4 = socket(AF_INET, SOCK_DGRAM, 0),
	    v6 = socket(AF_INET6, SOCK_DGRAM, 0),
	    tcp = socket(AF_INET, SOCK_STREAM, 0);

	ok(!pw_has_servers(), "none at first");
	test_ways(v4, v6);
	ok(pw_has_servers(), "some then");
	test_others(v4, v6);
	test_shown(v4, tcp);
	test_limits(v4);
	return tap_end();
}
