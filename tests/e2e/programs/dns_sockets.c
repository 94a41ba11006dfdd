/* SPDX-License-Identifier: MIT */
/*
 * Asks name servers on 127.0.0.53, 127.0.0.54 and ::1 by sockets used in the
 * way that the argument names, and tells what each answer looked like and
 * whence it came.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define say(...) (printf(__VA_ARGS__), printf("\n"))
#define TO(a) (struct sockaddr *)&(a), sizeof(a)
#define MUST(condition)                                              \
	do {                                                         \
		if (!(condition)) {                                  \
			say("line %d: %s: %s", __LINE__, #condition, \
			    strerror(errno));                        \
			exit(1);                                     \
		}                                                    \
	} while (0)

enum {
	QUERY = 27,
	ROOM = 512
};

static struct sockaddr_in one, two;
static struct sockaddr_in6 six, mapped;

/* A question for the address of site.test. */
static const unsigned char *query(unsigned char id)
{
	static unsigned char text[QUERY + 1] =
		"?!\1\0\0\1\0\0\0\0\0\0\4site\4test\0\0\1\0\1";

	text[1] = id;
	return text;
}

static void tell_place(const char *what, const struct sockaddr_storage *from,
		       socklen_t len)
{
	const struct sockaddr_in6 *in6 = (const void *)from;
	const struct sockaddr_in *in = (const void *)from;
	char text[64] = "nowhere";

	if (len == sizeof(*in) && from->ss_family == AF_INET)
		inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text));
	else if (len == sizeof(*in6) && from->ss_family == AF_INET6)
		inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof(text));
	say("%s %s %d, %d bytes", what, text, ntohs(in->sin_port), (int)len);
}

static void tell_answer(const unsigned char *answer, ssize_t n)
{
	MUST(n >= QUERY);
	say("answer to %d: rcode %d, %d questions, %d answers", answer[1],
	    answer[3] & 15, answer[5], answer[7]);
}

static int wait_for(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	MUST(poll(&p, 1, 10000) == 1);
	return fd;
}

static int udp(int family, int flags)
{
	int fd = socket(family, SOCK_DGRAM | flags, 0);

	MUST(fd >= 0);
	return fd;
}

static void tell_peer(int fd)
{
	struct sockaddr_storage peer = { 0 };
	socklen_t len = sizeof(peer);

	if (getpeername(fd, (struct sockaddr *)&peer, &len) < 0)
		say("peer: %s", strerror(errno));
	else
		tell_place("peer", &peer, len);
}

static void hear(int fd)
{
	struct sockaddr_storage from = { 0 };
	socklen_t len = sizeof(from);
	unsigned char answer[ROOM];
	ssize_t n = recvfrom(wait_for(fd), answer, ROOM, 0,
			     (struct sockaddr *)&from, &len);

	tell_answer(answer, n);
	tell_place("from", &from, len);
}

static void ask(int fd, unsigned char id, void *to, socklen_t len)
{
	MUST(sendto(fd, query(id), QUERY, 0, to, len) == QUERY);
}

static void connected(void)
{
	int fd = udp(AF_INET, 0);

	MUST(connect(fd, TO(one)) == 0);
	tell_peer(fd);
	MUST(send(fd, query(1), QUERY, 0) == QUERY);
	hear(fd);
	MUST(write(fd, query(2), QUERY) == QUERY);
	hear(fd);
}

static void reconnected(void)
{
	struct sockaddr unspec = { .sa_family = AF_UNSPEC };
	int fd = udp(AF_INET, 0);

	MUST(connect(fd, TO(one)) == 0);
	tell_peer(fd);
	MUST(connect(fd, TO(two)) == 0);
	tell_peer(fd);
	MUST(send(fd, query(1), QUERY, 0) == QUERY);
	hear(fd);
	MUST(connect(fd, &unspec, sizeof(unspec)) == 0);
	tell_peer(fd);
	ask(fd, 2, TO(one));
	hear(fd);
}

static void by_sendto(void)
{
	int fd = udp(AF_INET, 0);

	ask(fd, 1, TO(one));
	hear(fd);
	tell_peer(fd);
	one.sin_family = AF_UNSPEC;
	ask(fd, 2, TO(one));
	hear(fd);
}

static void by_sendmsg(void)
{
	struct sockaddr_storage from = { 0 };
	unsigned char answer[ROOM], control[64];
	struct iovec out[2] = { { (void *)query(1), 7 },
				{ (void *)(query(1) + 7), QUERY - 7 } };
	struct iovec in = { answer, ROOM };
	struct msghdr msg = { .msg_name = &one,
			      .msg_namelen = sizeof(one),
			      .msg_iov = out,
			      .msg_iovlen = 2 };
	int fd = udp(AF_INET, 0);
	ssize_t n;

	MUST(sendmsg(fd, &msg, 0) == QUERY);
	say("still to %d: %d bytes", ntohs(one.sin_port), msg.msg_namelen);
	msg = (struct msghdr){ .msg_name = &from,
			       .msg_namelen = sizeof(from),
			       .msg_iov = &in,
			       .msg_iovlen = 1,
			       .msg_control = control,
			       .msg_controllen = sizeof(control) };
	n = recvmsg(wait_for(fd), &msg, 0);
	tell_answer(answer, n);
	tell_place("from", &from, msg.msg_namelen);
}

static void by_sendmmsg(void)
{
	struct sockaddr_in *servers[2] = { &one, &two };
	struct sockaddr_storage from[2] = { 0 };
	unsigned char questions[2][QUERY], answers[2][ROOM];
	struct mmsghdr out[2] = { 0 }, in[2] = { 0 };
	struct iovec iov[4];
	int fd = udp(AF_INET, 0), first;

	for (int i = 0; i < 2; i++) {
		memcpy(questions[i], query((unsigned char)(i + 1)), QUERY);
		iov[i] = (struct iovec){ questions[i], QUERY };
		iov[2 + i] = (struct iovec){ answers[i], ROOM };
		out[i].msg_hdr = (struct msghdr){ .msg_name = servers[i],
						  .msg_namelen = sizeof(one),
						  .msg_iov = &iov[i],
						  .msg_iovlen = 1 };
		in[i].msg_hdr = (struct msghdr){ .msg_name = &from[i],
						 .msg_namelen = sizeof(from[i]),
						 .msg_iov = &iov[2 + i],
						 .msg_iovlen = 1 };
	}
	MUST(sendmmsg(fd, out, 2, 0) == 2);
	MUST(out[1].msg_len == QUERY);
	for (int got = 0; got < 2;) {
		int n = recvmmsg(wait_for(fd), in + got,
				 (unsigned int)(2 - got), MSG_DONTWAIT, NULL);

		MUST(n > 0);
		got += n;
	}
	first = answers[0][1] == 1 ? 0 : 1;
	for (int i = 0; i < 2; i++) {
		int at = (first + i) % 2;

		tell_answer(answers[at], in[at].msg_len);
		tell_place("from", &from[at], in[at].msg_hdr.msg_namelen);
	}
}

/* The answers in the order of asking: none is asked before the last has come.
 */
static void several_servers(void)
{
	int fd = udp(AF_INET, 0);

	for (unsigned char id = 1; id < 6; id += 2) {
		ask(fd, id, TO(one));
		hear(fd);
		ask(fd, (unsigned char)(id + 1), TO(two));
		hear(fd);
	}
}

static void duplicates(void)
{
	int fd = udp(AF_INET, 0), early = dup(fd), late, high;

	ask(fd, 1, TO(one));
	hear(early);
	late = dup2(fd, 200);
	high = fcntl(early, F_DUPFD_CLOEXEC, 300);
	close(fd);
	ask(late, 2, TO(two));
	hear(high);
	MUST(connect(high, TO(one)) == 0);
	tell_peer(late);
}

static void nonblocking(void)
{
	unsigned char answer[ROOM];
	int fd = udp(AF_INET, SOCK_NONBLOCK | SOCK_CLOEXEC);

	MUST(connect(fd, TO(one)) == 0);
	MUST(recv(fd, answer, ROOM, 0) < 0 && errno == EAGAIN);
	MUST(send(fd, query(1), QUERY, 0) == QUERY);
	hear(fd);
	MUST(recv(fd, answer, ROOM, 0) < 0 && errno == EAGAIN);
	say("flags %x", fcntl(fd, F_GETFL) & O_NONBLOCK);
}

static void by_number(void)
{
	struct sockaddr_storage from = { 0 };
	socklen_t len = sizeof(from);
	unsigned char answer[ROOM];
	int fd = udp(AF_INET, 0);
	long n;

	MUST(syscall(SYS_sendto, fd, query(1), QUERY, 0, TO(one)) == QUERY);
	n = syscall(SYS_recvfrom, wait_for(fd), answer, ROOM, 0, &from, &len);
	tell_answer(answer, n);
	tell_place("from", &from, len);
	MUST(syscall(SYS_connect, fd, TO(two)) == 0);
	memset(&from, 0, sizeof(from));
	MUST(syscall(SYS_getpeername, fd, &from, &len) == 0);
	tell_place("peer", &from, len);
}

static void ipv6(void)
{
	int fd = udp(AF_INET6, 0);

	ask(fd, 1, TO(six));
	hear(fd);
	ask(fd, 2, TO(mapped));
	hear(fd);
	ask(fd, 3, TO(two));
	hear(fd);
	MUST(connect(fd, TO(mapped)) == 0);
	tell_peer(fd);
}

static void bad_addresses(void)
{
	struct sockaddr_in other = one;
	int fd = udp(AF_INET, 0);

#define TELL(call) say(#call ": %s", (call) < 0 ? strerror(errno) : "fine")
	TELL(sendto(fd, query(1), QUERY, 0, TO(six)));
	TELL(connect(fd, TO(six)));
	TELL(sendto(fd, query(1), QUERY, 0, (void *)&one, 8));
	TELL(sendto(fd, query(1), QUERY, 0, (void *)8, 16));
	TELL(send(fd, query(1), QUERY, 0));
	other.sin_port = 0;
	TELL(sendto(fd, query(1), QUERY, 0, TO(other)));
	MUST(setsockopt(fd = udp(AF_INET6, 0), IPPROTO_IPV6, IPV6_V6ONLY,
			&(int){ 1 }, sizeof(int)) == 0);
	TELL(sendto(fd, query(1), QUERY, 0, TO(mapped)));
	TELL(sendto(fd, query(1), QUERY, 0, TO(six)));
	hear(fd);
}

static void little_room(void)
{
	struct sockaddr_storage from;
	socklen_t len = 2;
	unsigned char answer[ROOM];
	int fd = udp(AF_INET, 0);
	ssize_t n;

	ask(fd, 1, TO(one));
	memset(&from, 7, sizeof(from));
	n = recvfrom(wait_for(fd), answer, ROOM, MSG_PEEK,
		     (struct sockaddr *)&from, &len);
	tell_answer(answer, n);
	say("family %d, then %x, of %d bytes", from.ss_family,
	    ((unsigned char *)&from)[2], (int)len);
	n = recvfrom(fd, answer, 20, MSG_TRUNC, NULL, NULL);
	say("%d", n > 20);
	len = sizeof(from);
	MUST(recvfrom(fd, answer, ROOM, MSG_DONTWAIT, (struct sockaddr *)&from,
		      &len) < 0);
	say("%s", strerror(errno));
}

static void in_a_child(void)
{
	int fd = udp(AF_INET, 0), status;

	ask(fd, 1, TO(one));
	fflush(stdout);
	if (fork() == 0) {
		hear(fd);
		ask(fd, 2, TO(two));
		hear(fd);
		exit(0);
	}
	MUST(wait(&status) > 0 && status == 0);
	ask(fd, 3, TO(two));
	hear(fd);
}

static void read_all(int fd, unsigned char *to, size_t n)
{
	while (n > 0) {
		ssize_t got = read(wait_for(fd), to, n);

		MUST(got > 0);
		to += got;
		n -= (size_t)got;
	}
}

/* Two questions in one piece but for the last byte, then their answers. */
static void by_tcp(void *to, socklen_t len, int family)
{
	unsigned char both[2 * (2 + QUERY)], answer[ROOM];
	int fd = socket(family, SOCK_STREAM, 0);

	for (int i = 0; i < 2; i++) {
		unsigned char *at = both + i * (2 + QUERY);

		at[0] = 0;
		at[1] = QUERY;
		memcpy(at + 2, query((unsigned char)(i + 1)), QUERY);
	}
	MUST(connect(fd, to, len) == 0);
	tell_peer(fd);
	MUST(write(fd, both, sizeof(both) - 1) == sizeof(both) - 1);
	MUST(write(fd, both + sizeof(both) - 1, 1) == 1);
	for (int i = 0; i < 2; i++) {
		read_all(fd, answer, 2);
		MUST(answer[0] == 0);
		read_all(fd, answer + 2, answer[1]);
		tell_answer(answer + 2, answer[1]);
	}
	MUST(shutdown(fd, SHUT_WR) == 0);
	say("then %zd bytes", read(wait_for(fd), answer, ROOM));
	close(fd);
}

static void stream(void)
{
	by_tcp(TO(one), AF_INET);
	by_tcp(TO(six), AF_INET6);
	by_tcp(TO(mapped), AF_INET6);
}

static const struct {
	const char *name;
	void (*play)(void);
} styles[] = {
#define STYLE(name) { #name, name }
	STYLE(connected),  STYLE(reconnected),	 STYLE(by_sendto),
	STYLE(by_sendmsg), STYLE(by_sendmmsg),	 STYLE(several_servers),
	STYLE(duplicates), STYLE(nonblocking),	 STYLE(by_number),
	STYLE(ipv6),	   STYLE(bad_addresses), STYLE(little_room),
	STYLE(in_a_child), STYLE(stream),
};

int main(int argc, char **argv)
{
	MUST(argc == 2);
	one.sin_family = two.sin_family = AF_INET;
	one.sin_port = two.sin_port = six.sin6_port = mapped.sin6_port =
		htons(53);
	six.sin6_family = mapped.sin6_family = AF_INET6;
	inet_pton(AF_INET, "127.0.0.53", &one.sin_addr);
	inet_pton(AF_INET, "127.0.0.54", &two.sin_addr);
	inet_pton(AF_INET6, "::1", &six.sin6_addr);
	inet_pton(AF_INET6, "::ffff:127.0.0.54", &mapped.sin6_addr);
	for (size_t i = 0; i < sizeof(styles) / sizeof(styles[0]); i++)
		if (strcmp(styles[i].name, argv[1]) == 0) {
			styles[i].play();
			say("EXIT-SUCCESS");
			return 0;
		}
	return 2;
}
