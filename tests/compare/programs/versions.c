/* SPDX-License-Identifier: MIT */
/* A program that was linked long ago has the old versions of symbols. */
#include <spawn.h>

#include "trace.h"

__asm__(".symver old_posix_spawn, posix_spawn@GLIBC_2.2.5");
__asm__(".symver old_gethostbyname_r, gethostbyname_r@GLIBC_2.2.5");
__asm__(".symver old_connect, connect@GLIBC_2.2.5");

int old_posix_spawn(pid_t *, const char *, const posix_spawn_file_actions_t *,
		    const posix_spawnattr_t *, char *const *, char *const *);
int old_gethostbyname_r(const char *, struct hostent *, char *, size_t,
			struct hostent **, int *);
int old_connect(int, const struct sockaddr *, socklen_t);

static void play(void)
{
	char *argv[] = { arguments[0], arguments[1], arguments[2], "child",
			 NULL },
	     *none[] = { NULL }, buffer[2048];
	struct hostent entry, *found;
	int error, status, fd = tcp(0);
	pid_t pid;

	TRY(old_connect(fd, DEST));
	TRY(echoes(fd));
	if (is_mode("child"))
		return;
	TRY(old_gethostbyname_r("site.test", &entry, buffer, sizeof(buffer),
				&found, &error));
	MUST(old_posix_spawn(&pid, argv[0], NULL, NULL, argv, none) == 0);
	MUST(waitpid(pid, &status, 0) == pid);
	say("status: %d", status);
}
