/* Connect to an address and print `connected` or the name of the error.
 *
 * usage: reach ADDRESS PORT [MILLISECONDS]
 *
 * connect() is given so long, if any time is. A mapped address is used on an
 * IPv6 socket.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static const char *outcome(int error)
{
	switch (error) {
	case EACCES:
		return "EACCES";
	case ECONNREFUSED:
		return "ECONNREFUSED";
	case EHOSTUNREACH:
		return "EHOSTUNREACH";
	case EINPROGRESS:
		return "EINPROGRESS";
	default:
		return strerror(error);
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	struct timeval limit = { 0 };
	int result, sock;

	if (argc < 3)
		return 2;
	if (argc > 3)
		limit.tv_usec = atoi(argv[3]) * 1000;
	v4.sin_port = v6.sin6_port = htons((unsigned short)atoi(argv[2]));
	if (inet_pton(AF_INET, argv[1], &v4.sin_addr) == 1) {
		sock = socket(AF_INET, SOCK_STREAM, 0);
		setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &limit,
			   sizeof(limit));
		result = connect(sock, (struct sockaddr *)&v4, sizeof(v4));
	} else if (inet_pton(AF_INET6, argv[1], &v6.sin6_addr) == 1) {
		sock = socket(AF_INET6, SOCK_STREAM, 0);
		result = connect(sock, (struct sockaddr *)&v6, sizeof(v6));
	} else {
		return 2;
	}
	puts(result ? outcome(errno) : "connected");
	return 0;
}
