/* SPDX-License-Identifier: MIT */
/*
 * usage: by_descriptor HOW PROGRAM ARGUMENTS...
 *
 * Executes PROGRAM by its descriptor, or by its path, and says why it could
 * not.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	if (strcmp(argv[1], "path") == 0)
		execve(argv[2], argv + 2, environ);
	else
		fexecve(open(argv[2],
			     strcmp(argv[1], "of-path") ? O_RDONLY : O_PATH),
			argv + 2, environ);
	puts(strerror(errno));
	return 0;
}
