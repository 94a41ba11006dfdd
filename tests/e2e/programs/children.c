/* SPDX-License-Identifier: MIT */
/* usage: children COMMAND. Has the shell run it, in each way that libc has. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wordexp.h>

static void by_popen(const char *command)
{
	FILE *stream = popen(command, "r");
	char line[1000];

	while (fgets(line, sizeof(line), stream))
		fputs(line, stdout);
	pclose(stream);
}

static void by_wordexp(const char *command)
{
	char text[1000];
	wordexp_t words;

	snprintf(text, sizeof(text), "$(%s)", command);
	if (wordexp(text, &words, 0) == 0 && words.we_wordc)
		puts(words.we_wordv[0]);
	wordfree(&words);
}

int main(int argc, char **argv)
{
	int status;

	if (argc < 2 || system(argv[1]))
		return 2;
	by_popen(argv[1]);
	by_wordexp(argv[1]);
	fflush(stdout);
	if (fork() == 0) {
		execl("/bin/sh", "sh", "-c", argv[1], NULL);
		_exit(1);
	}
	wait(&status);
	return status;
}
