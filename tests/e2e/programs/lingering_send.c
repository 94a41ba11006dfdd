/*
 * usage: lingering_send PORT SECONDS
 *
 * Connects to loopback, sends by sendmsg() more than anybody reads, and waits
 * in it; its last close() would linger. Says `sending` before.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

int main(int argc, char **argv)
{
	static char bytes[1 << 16];
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct linger linger = { .l_onoff = 1 };
	struct iovec iov = { .iov_base = bytes, .iov_len = sizeof(bytes) };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (argc != 3)
		return 2;
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.sin_port = htons((unsigned short)atoi(argv[1]));
	linger.l_linger = atoi(argv[2]);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) < 0)
		return 1;
	puts("sending");
	fflush(stdout);
	while (sendmsg(fd, &message, 0) > 0)
		;
	return 1;
}
