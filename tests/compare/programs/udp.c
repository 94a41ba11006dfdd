/* SPDX-License-Identifier: MIT */
/* A datagram to the port MODE of the destination, by connect and by sendto. */
#include "trace.h"

static void play(void)
{
	int fd;

	((struct sockaddr_in *)&dest)->sin_port = htons((uint16_t)atoi(mode));
	MUST((fd = socket(AF_INET, SOCK_DGRAM, 0)) >= 0);
	TRY(connect(fd, DEST));
	TRY(sendto(fd, "x", 1, 0, DEST));
}
