/* SPDX-License-Identifier: MIT */
/*
 * Calls with arguments at random, the same ones each time: descriptors of all
 * kinds, pointers to what is there in part, or not at all, lengths that
 * cannot be. usage: fuzz_calls PORT SEED COUNT
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define PICK(array) ((array)[at_random(sizeof(array) / sizeof(*(array)))])
#define CALL(...) report(#__VA_ARGS__, syscall(__VA_ARGS__))

enum {
	PAGE = 4096,
	KINDS = 11,
};

static uint64_t state;
static char *page; /* the next one is not there */
static char *frozen;
static struct sockaddr_in sink;
static struct iovec wide[1024];
static bool is_local;
static int number, sink_fd;

static uint32_t at_random(uint32_t n)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(state >> 33) % n;
}

static void report(const char *what, long ret)
{
	int error = errno;

	printf("%d %.14s %ld %s\n", number, what, ret,
	       ret < 0 ? strerror(error) : "");
}

static int of_kind(int kind)
{
	int fd = -1, ends[2];

	switch (kind) {
	case 1:
		return open("/dev/null", O_RDWR);
	case 2:
		if (pipe(ends) != 0)
			exit(1);
		close(ends[1]);
		return ends[0];
	case 3:
		return epoll_create1(0);
	case 4:
		return socket(AF_UNIX, SOCK_DGRAM, 0);
	case 5:
		return socket(AF_NETLINK, SOCK_RAW, 0);
	case 6:
		return socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	case 7:
		return socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);
	case 8:
		return socket(AF_INET, SOCK_DGRAM, 0);
	case 9:
		return socket(AF_INET6, SOCK_DGRAM, 0);
	case 10:
		fd = socket(AF_INET, SOCK_DGRAM, 0);
		connect(fd, (struct sockaddr *)&sink, sizeof(sink));
		return fd;
	default:
		return -1;
	}
}

/* Memory with something in it, or some of it, or none. */
static void *place(const void *what, size_t n)
{
	size_t missing[] = { 1, 4, n / 2, n - 1 };

	switch (at_random(12)) {
	case 0:
		return NULL;
	case 1:
		return (void *)8;
	case 2:
		return (void *)-8L;
	case 3:
		return page + PAGE;
	case 4: {
		char *at = page + PAGE - n + PICK(missing);

		memcpy(at, what, (size_t)(page + PAGE - at));
		return at;
	}
	case 5:
		memcpy(page + PAGE - n, what, n);
		return page + PAGE - n;
	case 6:
		mprotect(frozen, PAGE, PROT_READ | PROT_WRITE);
		memcpy(frozen + n, what, n);
		mprotect(frozen, PAGE, PROT_READ);
		return frozen + n;
	default: {
		static char room[16][256];
		static int next;

		return memcpy(room[next++ % 16], what, n);
	}
	}
}

static void *address(void)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6,
				    .sin6_addr = IN6ADDR_LOOPBACK_INIT,
				    .sin6_port = sink.sin_port };
	char bytes[128] = { 0 };
	sa_family_t families[] = { AF_UNSPEC, AF_UNIX, AF_NETLINK, 99 };

	switch (at_random(4)) {
	case 0:
		memcpy(bytes, &six, sizeof(six));
		break;
	case 1:
		memcpy(bytes, &sink, sizeof(sink));
		*(sa_family_t *)bytes = PICK(families);
		break;
	default:
		memcpy(bytes, &sink, sizeof(sink));
		if (at_random(8) == 0)
			memset(bytes + 2, 0, 2);
	}
	return place(bytes, sizeof(bytes));
}

static long length(void)
{
	const long lengths[] = { -1, 0,	       1,	  2,	    15,
				 16, 16,       16,	  24,	    28,
				 28, 110,      128,	  129,	    256,
				 -2, 1L << 32, INT32_MAX, INT32_MIN };

	return PICK(lengths);
}

static long size(void)
{
	const long sizes[] = { 0,     1,     5,	    64,	      64, 65507,
			       65508, 65535, 65536, 1L << 20, -1, INT64_MIN };

	return PICK(sizes);
}

static void *control(size_t *n)
{
	struct {
		struct cmsghdr head;
		int value[2];
	} one = { { 20, IPPROTO_IP, IP_TTL }, { 5, 0 } };
	const size_t lengths[] = { 0, 20, 24, 3, 15, 1, 24, SIZE_MAX, 1 << 22 };
	const size_t inner[] = { 20, 20, 20, 0, 15, 25, SIZE_MAX };

	one.head.cmsg_len = PICK(inner);
	if (at_random(3) == 0)
		one.head.cmsg_level = SOL_SOCKET;
	*n = PICK(lengths);
	return place(&one, sizeof(one));
}

static void message(struct msghdr *out)
{
	const size_t counts[] = { 0, 1, 1, 1, 2, 1024, 1025, SIZE_MAX };
	struct iovec vectors[2] = { 0 };
	char data[64] = "data";
	struct msghdr msg;

	memset(&msg, 0, sizeof(msg)); /* padding, too, is read as something */
	for (int i = 0; i < 2; i++) {
		vectors[i].iov_base = place(data, sizeof(data));
		vectors[i].iov_len = at_random(3) ? 5 : (size_t)size();
	}
	if (at_random(3)) {
		msg.msg_name = address();
		msg.msg_namelen = (socklen_t)length();
	}
	msg.msg_iov = place(vectors, sizeof(vectors));
	msg.msg_iovlen = PICK(counts);
	if (msg.msg_iovlen == 1024)
		msg.msg_iov = memcpy(wide, vectors, sizeof(vectors));
	if (at_random(3) == 0)
		msg.msg_control = control(&msg.msg_controllen);
	memcpy(out, &msg, sizeof(msg));
}

static void many(int fd, long call)
{
	/* For a local socket the helper looks at all of them before any. */
	const unsigned int counts[] = { 0, 1, is_local ? 1 : 2,
					is_local ? 1 : 3 };
	struct mmsghdr all[3];

	memset(all, 0, sizeof(all));
	for (int i = 0; i < 3; i++)
		message(&all[i].msg_hdr);
	if (call == SYS_sendmmsg)
		CALL(SYS_sendmmsg, fd, place(all, sizeof(all)), PICK(counts),
		     MSG_DONTWAIT | MSG_NOSIGNAL);
	else
		CALL(SYS_recvmmsg, fd, place(all, sizeof(all)), PICK(counts),
		     MSG_DONTWAIT, NULL);
}

static void play(int fd)
{
	char data[64] = "data";
	socklen_t len = (socklen_t)length();
	struct msghdr msg;
	void *addr = address(), *at = place(data, sizeof(data));
	void *lenp = place(&len, sizeof(len));

	message(&msg);
	switch (at_random(9)) {
	case 0:
		CALL(SYS_connect, fd, addr, length());
		break;
	case 1:
		CALL(SYS_sendto, fd, at, size(), MSG_DONTWAIT | MSG_NOSIGNAL,
		     addr, length());
		break;
	case 2:
		CALL(SYS_sendmsg, fd, place(&msg, sizeof(msg)),
		     MSG_DONTWAIT | MSG_NOSIGNAL);
		break;
	case 3:
		many(fd, SYS_sendmmsg);
		break;
	case 4:
		CALL(SYS_recvfrom, fd, at, size(), MSG_DONTWAIT, addr, lenp);
		break;
	case 5:
		CALL(SYS_recvmsg, fd, place(&msg, sizeof(msg)), MSG_DONTWAIT);
		break;
	case 6:
		many(fd, SYS_recvmmsg);
		break;
	case 7:
		CALL(SYS_getsockopt, fd, SOL_SOCKET, SO_ERROR, at, lenp);
		break;
	default:
		CALL(SYS_getpeername, fd, addr, lenp);
	}
}

/* At the same address each time: what is misplaced is read as a pointer. */
static char *map(int at, size_t n)
{
	char *found = mmap(
		(void *)(0x10000000L + at * PAGE), n, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (found == MAP_FAILED)
		exit(1);
	return found;
}

int main(int argc, char **argv)
{
	int count = argc > 3 ? atoi(argv[3]) : 0, kind, fd;
	socklen_t n = sizeof(sink);

	state = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
	page = map(1, 2 * PAGE);
	frozen = map(4, PAGE);
	munmap(page + PAGE, PAGE);
	sink = (struct sockaddr_in){ .sin_family = AF_INET };
	sink.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sink.sin_port = htons((uint16_t)atoi(argc > 1 ? argv[1] : "0"));
	sink_fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (bind(sink_fd, (struct sockaddr *)&sink, n) != 0)
		return 1;
	for (number = 0; number < count; number++) {
		kind = (int)at_random(KINDS);
		is_local = kind == 4 || kind == 5;
		fd = of_kind(kind);
		play(fd);
		if (fd >= 0)
			close(fd);
	}
	puts("EXIT-SUCCESS");
	return 0;
}
