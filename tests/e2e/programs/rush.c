/* SPDX-License-Identifier: MIT */
/*
 * usage: rush ADDRESS PORT N
 *
 * Two processes connect N times each, without waiting for anything, and then
 * let go; what fails for want of descriptors fails.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	pid_t child;

	if (argc != 4)
		return 2;
	inet_pton(AF_INET, argv[1], &to.sin_addr);
	to.sin_port = htons((unsigned short)atoi(argv[2]));
	child = fork();
	for (int i = atoi(argv[3]); i > 0; i--) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

		if (fd >= 0)
			connect(fd, (struct sockaddr *)&to, sizeof(to));
	}
	poll(NULL, 0, 300);
	if (child == 0)
		_exit(0);
	waitpid(child, NULL, 0);
	return 0;
}
