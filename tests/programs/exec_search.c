/* SPDX-License-Identifier: MIT */
/* The search through PATH, and what each failure of exec says. */
#include <sys/stat.h>

#include "trace.h"

static char *const argv[] = { "found", "an argument", NULL };

static void put(const char *path, const char *text, mode_t bits)
{
	int fd = open(path, O_CREAT | O_WRONLY, 0600);

	MUST(write(fd, text, strlen(text)) >= 0 && fchmod(fd, bits) == 0);
	close(fd);
}

static void try_exec(const char *file)
{
	pid_t pid = fork();

	if (pid == 0) {
		TRY(execvp(file, argv));
		_exit(0);
	}
	MUST(waitpid(pid, NULL, 0) == pid);
}

static void play(void)
{
	const char *volatile nowhere = NULL;
	char dir[] = "/tmp/proxywrap-XXXXXX";
	char script[] = "#!/bin/sh\necho \"script $*\"\n";

	MUST(mkdtemp(dir) && chdir(dir) == 0);
	MUST(mkdir("a", 0700) == 0 && mkdir("b", 0700) == 0);
	put("a/found", script, 0600);
	put("b/found", script, 0700);
	put("b/plain", "echo \"plain $0 $1\"\n", 0700);
	put("b/denied", script, 0600);
	put("b/lost", "#!/nowhere/sh\n", 0700);
	put("b/loop", "#!b/loop\n", 0700);
	put("b/empty", "", 0700);
	setenv("PATH", "a:nowhere::b", 1);
	try_exec("found");
	try_exec("plain");
	try_exec("denied");
	try_exec("lost");
	try_exec("loop");
	try_exec("empty");
	try_exec("nothing");
	try_exec("b/plain");
	try_exec("b/found/found");
	try_exec("");
	TRY(execv("b/plain", argv));
	TRY(execv("b", argv));
	TRY(execv(nowhere, argv));
	TRY(execve(nowhere + 8, argv, NULL));
	unsetenv("PATH");
	try_exec("sh-that-does-not-exist");
	if (fork() == 0)
		execl("/bin/rm", "rm", "-r", dir, NULL);
	MUST(wait(NULL) > 0);
}
