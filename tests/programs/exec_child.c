/* SPDX-License-Identifier: MIT */
/*
 * A child is wrapped whatever function starts it, MODE, and whatever its
 * environment, ARGUMENT. The child is this program with the mode "probe".
 */
#include <spawn.h>

#include "trace.h"

static char *empty[] = { NULL };
static char *custom[] = { "A=1", "LD_PRELOAD=", "PATH=/nowhere", NULL };
static char **env;

static void probe(void)
{
	int fd = tcp(0);

	alarm(20);
	say("connect: %d, A: %s", connect(fd, DEST),
	    getenv("A") ? getenv("A") : "");
}

static void start(char *self, char **argv, const char *line)
{
	pid_t pid = -1;
	FILE *stream;

	if (is_mode("system")) {
		system(line);
	} else if (is_mode("popen")) {
		char text[200];

		stream = popen(line, "r");
		while (fgets(text, sizeof(text), stream))
			dprintf(1, "%s", text);
		pclose(stream);
	} else if (is_mode("posix_spawn") || is_mode("posix_spawnp")) {
		MUST((is_mode("posix_spawn") ? posix_spawn : posix_spawnp)(
			     &pid, self, NULL, NULL, argv, env) == 0);
	} else if ((pid = is_mode("vfork") ? vfork() : fork()) == 0) {
		if (is_mode("execve") || is_mode("vfork"))
			execve(self, argv, env);
		else if (is_mode("execv"))
			execv(self, argv);
		else if (is_mode("execvp"))
			execvp(self, argv);
		else if (is_mode("execvpe"))
			execvpe(self, argv, env);
		else if (is_mode("execl"))
			execl(self, argv[0], argv[1], argv[2], argv[3], NULL);
		else if (is_mode("execlp"))
			execlp(self, argv[0], argv[1], argv[2], argv[3], NULL);
		else if (is_mode("execle"))
			execle(self, argv[0], argv[1], argv[2], argv[3], NULL,
			       env);
		else if (is_mode("fexecve"))
			fexecve(open(self, O_RDONLY), argv, env);
		_exit(1);
	}
	if (pid > 0)
		MUST(waitpid(pid, NULL, 0) == pid);
}

static void play(void)
{
	char *argv[] = { arguments[0], arguments[1], arguments[2], "probe",
			 NULL };
	char line[2000];

	if (is_mode("probe")) {
		probe();
		return;
	}
	go();
	snprintf(line, sizeof(line), "%s %s %s probe", argv[0], argv[1],
		 argv[2]);
	if (strcmp(argument, "cleared") == 0)
		clearenv();
	if (strcmp(argument, "replaced") == 0)
		environ = custom;
	env = strcmp(argument, "null") == 0	? NULL
	      : strcmp(argument, "empty") == 0	? empty
	      : strcmp(argument, "custom") == 0 ? custom
						: environ;
	start(argv[0], argv, line);
}
