/* SPDX-License-Identifier: MIT */
/*
 * A child is wrapped whatever function starts it, MODE, and whatever its
 * environment, ARGUMENT. The child is this program with the mode "probe".
 */
#include <spawn.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <wordexp.h>

#include "trace.h"

static char *empty[] = { NULL };
static char *custom[] = { "A=1", "LD_PRELOAD=", "PATH=/nowhere", NULL };
static char *twice[] = { "LD_PRELOAD=", "A=1", "LD_PRELOAD=libm.so.6",
			 "PATH=/nowhere", NULL };
static char **env;

static void probe(void)
{
	int fd = tcp(0);

	alarm(20);
	say("connect: %d, A: %s", connect(fd, DEST),
	    getenv("A") ? getenv("A") : "");
}

/* By the shell, which libc starts. */
static bool by_shell(const char *line)
{
	char text[2200];
	wordexp_t words;
	FILE *stream;

	if (is_mode("system")) {
		system(line);
	} else if (is_mode("popen")) {
		stream = popen(line, "r");
		while (fgets(text, sizeof(text), stream))
			dprintf(1, "%s", text);
		pclose(stream);
	} else if (is_mode("wordexp")) {
		snprintf(text, sizeof(text), "$(%s >&9)", line);
		dup2(1, 9);
		MUST(wordexp(text, &words, 0) == 0);
	} else {
		return false;
	}
	return true;
}

/* A copy of the program that has no name. */
static int nameless(const char *self)
{
	int from = open(self, O_RDONLY), to = memfd_create("copy", 0);
	struct stat st;

	MUST(fstat(from, &st) == 0);
	MUST(sendfile(to, from, NULL, (size_t)st.st_size) == st.st_size);
	return to;
}

static void by_descriptor(const char *self, char **argv)
{
	int root = open("/", O_PATH | O_DIRECTORY);

	if (is_mode("fexecve"))
		fexecve(open(self, O_RDONLY), argv, env);
	else if (is_mode("fexecve-path"))
		fexecve(open(self, O_PATH | O_CLOEXEC), argv, env);
	else if (is_mode("fexecve-memory"))
		fexecve(nameless(self), argv, env);
	else if (is_mode("execveat"))
		syscall(SYS_execveat, root, self + 1, argv, env, 0);
	else if (is_mode("execveat-number"))
		syscall(SYS_execveat, open(self, O_RDONLY), "", argv, env,
			AT_EMPTY_PATH);
}

static void start(char *self, char **argv, const char *line)
{
	pid_t pid = -1;

	if (by_shell(line))
		return;
	if (is_mode("posix_spawn") || is_mode("posix_spawnp")) {
		MUST((is_mode("posix_spawn") ? posix_spawn : posix_spawnp)(
			     &pid, self, NULL, NULL, argv, env) == 0);
	} else if ((pid = is_mode("vfork") ? vfork() : fork()) == 0) {
		if (is_mode("setsid"))
			MUST(setsid() > 0);
		if (is_mode("execve") || is_mode("vfork") || is_mode("setsid"))
			execve(self, argv, env);
		else if (is_mode("number"))
			syscall(SYS_execve, self, argv, env);
		else if (is_mode("self"))
			execve("/proc/self/exe", argv, env);
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
		else
			by_descriptor(self, argv);
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
	if (strcmp(argument, "twice") == 0)
		environ = twice;
	env = strcmp(argument, "null") == 0	? NULL
	      : strcmp(argument, "empty") == 0	? empty
	      : strcmp(argument, "custom") == 0 ? custom
						: environ;
	start(argv[0], argv, line);
}
