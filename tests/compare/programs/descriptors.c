/* SPDX-License-Identifier: MIT */
/* Descriptors and threads are the program's own, before a name and a connect
 * and after. */
#include <dirent.h>

#include "trace.h"

static int count(const char *directory)
{
	DIR *dir = opendir(directory);
	int n = 0;

	MUST(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void play(void)
{
	int fd = tcp(0);

	TRY(count("/proc/self/fd"));
	TRY(count("/proc/self/task"));
	MUST(gethostbyname("site.test"));
	TRY(connect(fd, DEST));
	TRY(count("/proc/self/fd"));
	TRY(count("/proc/self/task"));
}
