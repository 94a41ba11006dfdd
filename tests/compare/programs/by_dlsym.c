/* SPDX-License-Identifier: MIT */
/* connect() as a program finds it that asks for it by its name. */
#include <dlfcn.h>

#include "trace.h"

static void play(void)
{
	void *const places[] = { RTLD_DEFAULT, RTLD_NEXT };

	for (int i = 0; i < 2; i++) {
		int (*by_name)(int, const struct sockaddr *, socklen_t) =
			dlsym(places[i], "connect");
		int fd = tcp(0);

		MUST(by_name);
		TRY(by_name(fd, DEST));
		TRY(echoes(fd));
	}
}
