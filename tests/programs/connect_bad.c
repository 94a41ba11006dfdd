/* SPDX-License-Identifier: MIT */
/* Descriptors, pointers and lengths that connect must refuse, and with what. */
#include <sys/mman.h>

#include "trace.h"

static void play(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(9) };
	int fd = tcp(SOCK_NONBLOCK), pipes[2], one;
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char big[256] = { 0 };

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	MUST(page != MAP_FAILED && mprotect(page + 4096, 4096, PROT_NONE) == 0);
	MUST(pipe(pipes) == 0);
	TRY(connect(-1, DEST));
	TRY(connect(1000, DEST));
	TRY(connect(1 << 30, DEST));
	TRY(connect(pipes[0], DEST));
	TRY(connect(-1, NULL, 16));
	TRY(connect(fd, NULL, 16));
	TRY(connect(fd, NULL, 0));
	TRY(connect(fd, (void *)8, 16));
	TRY(connect(fd, (void *)-8L, 16));
	TRY(connect(fd, (void *)(page + 4096), dest_len));
	TRY(connect(fd, (void *)(page + 4096 - dest_len + 1), dest_len));
	for (one = 0; one < (int)dest_len; one++)
		if (one < 16 || one > 27)
			TRY(connect(fd, (struct sockaddr *)&dest,
				    (socklen_t)one));
	TRY(connect(fd, (struct sockaddr *)&dest, (socklen_t)-1));
	TRY(connect(fd, (struct sockaddr *)big, sizeof(big)));
	big[0] = 99;
	TRY(connect(fd, (struct sockaddr *)big, 28));
	big[0] = AF_UNIX;
	TRY(connect(fd, (struct sockaddr *)big, 28));
	if (dest.ss_family == AF_INET6) {
		memcpy(big, &in, sizeof(in));
		TRY(connect(fd, (struct sockaddr *)big, sizeof(in)));
		TRY(connect(fd, (struct sockaddr *)big, 28));
	}
	memcpy(page + 4096 - dest_len, &dest, dest_len);
	TRY(connect(fd, (void *)(page + 4096 - dest_len), dest_len));
	go();
	tell_end(fd);
}
