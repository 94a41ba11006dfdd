/* SPDX-License-Identifier: MIT */
/* A second connect() of a pending socket, with what the first would refuse. */
#include "trace.h"

static char *const nowhere = (char *)8;

static void all(int fd)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(9) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
				    .sin6_addr = IN6ADDR_LOOPBACK_INIT,
				    .sin6_port = htons(9) };
	char big[256] = { 0 };

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	TRY(connect(fd, (struct sockaddr *)&in, sizeof(in)));
	TRY(connect(fd, (struct sockaddr *)&in6, sizeof(in6)));
	TRY(connect(fd, (struct sockaddr *)&in, 15));
	TRY(connect(fd, (struct sockaddr *)&in, 2));
	TRY(connect(fd, (struct sockaddr *)&in, 1));
	TRY(connect(fd, (struct sockaddr *)&in, 0));
	TRY(connect(fd, (struct sockaddr *)&in6, 24));
	TRY(connect(fd, (struct sockaddr *)&in6, 23));
	TRY(connect(fd, NULL, 16));
	TRY(connect(fd, NULL, 0));
	TRY(connect(fd, (void *)nowhere, 16));
	TRY(connect(fd, (void *)nowhere, 0));
	TRY(connect(fd, (void *)nowhere, 1000));
	TRY(connect(fd, (struct sockaddr *)&dest, 127));
	TRY(connect(fd, (struct sockaddr *)&in, (socklen_t)-1));
	TRY(connect(fd, (struct sockaddr *)big, sizeof(big)));
	big[0] = 99;
	TRY(connect(fd, (struct sockaddr *)big, 28));
	big[0] = AF_UNIX;
	TRY(connect(fd, (struct sockaddr *)big, 28));
	in.sin_port = 0;
	TRY(connect(fd, (struct sockaddr *)&in, sizeof(in)));
	in.sin_addr.s_addr = INADDR_BROADCAST;
	TRY(connect(fd, (struct sockaddr *)&in, sizeof(in)));
}

static void play(void)
{
	int fd = pending();

	all(fd);
	go();
	if (is_mode("over")) {
		await(fd);
		all(fd);
	}
	tell_end(fd);
}
