/* SPDX-License-Identifier: MIT */
/*
 * usage: renumber HOST PORT
 *
 * Connects and sends by one number, which another thread makes a socket of
 * AF_UNIX, a datagram socket and a stream by turns.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	ROUNDS = 20000
};

static int number;
static atomic_bool is_over;

static void *renumber(void *unused)
{
	int kinds[] = { socket(AF_UNIX, SOCK_DGRAM, 0),
			socket(AF_INET, SOCK_DGRAM, 0),
			socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0) };

	for (unsigned int i = 0; !is_over; i++)
		dup2(kinds[i % 2 ? 0 : 1 + i / 2 % 2], number);
	return unused;
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct iovec iov = { .iov_base = &to, .iov_len = 5 };
	struct mmsghdr all[2] = { 0 };
	pthread_t thread;

	if (argc != 3)
		return 2;
	to.sin_addr.s_addr = inet_addr(argv[1]);
	to.sin_port = htons((uint16_t)atoi(argv[2]));
	all[1].msg_hdr = (struct msghdr){ .msg_name = &to,
					  .msg_namelen = sizeof(to),
					  .msg_iov = &iov,
					  .msg_iovlen = 1 };
	all[0] = all[1];
	number = socket(AF_UNIX, SOCK_DGRAM, 0);
	pthread_create(&thread, NULL, renumber, NULL);
	for (int i = 0; i < ROUNDS; i++) {
		const int flags = MSG_DONTWAIT | MSG_NOSIGNAL;

		connect(number, (struct sockaddr *)&to, sizeof(to));
		sendto(number, &to, 5, flags, (struct sockaddr *)&to,
		       sizeof(to));
		sendmsg(number, &all[0].msg_hdr, flags);
		sendmmsg(number, all, 2, flags);
	}
	is_over = true;
	pthread_join(thread, NULL);
	puts("done");
	return 0;
}
