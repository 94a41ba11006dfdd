/* SPDX-License-Identifier: MIT */
/*
 * posix_spawn() looks a relative path up where its file actions have gone,
 * and tries the places of PATH with the actions carried out once.
 *
 * The directory ARGUMENT has "here" and "there", each with a program "tool".
 */
#include <spawn.h>

#include "trace.h"

static posix_spawn_file_actions_t actions;

static void end(int error, pid_t pid)
{
	int status = 0;

	say("%s", strerror(error));
	if (error == 0) {
		MUST(waitpid(pid, &status, 0) == pid);
		say("status: %d", WEXITSTATUS(status));
	}
	MUST(posix_spawn_file_actions_destroy(&actions) == 0);
}

static void start(const char *path)
{
	char *argv[] = { "tool", NULL };
	pid_t pid = -1;
	int error = posix_spawn(&pid, path, &actions, NULL, argv, environ);

	end(error, pid);
}

static void begin(void)
{
	MUST(posix_spawn_file_actions_init(&actions) == 0);
}

static void go_to(const char *dir)
{
	MUST(posix_spawn_file_actions_addchdir_np(&actions, dir) == 0);
}

static void by_directory(void)
{
	begin();
	start("here/tool");
	begin();
	go_to("there");
	start("tool");
	begin();
	go_to("there");
	start("./tool");
	begin();
	go_to("here");
	go_to("../there");
	start("tool");
	begin();
	MUST(posix_spawn_file_actions_addfchdir_np(
		     &actions, open("there", O_RDONLY)) == 0);
	start("tool");
	begin();
	go_to("there");
	start("nothing");
	begin();
	go_to("nowhere");
	start("tool");
	/* An object that is used again starts anew. */
	begin();
	start("here/tool");
}

/* Of two places the first has none: the file is to be made once. */
static void by_search(const char *path)
{
	char *argv[] = { "tool", NULL };
	pid_t pid = -1;
	int error;

	setenv("PATH", path, 1);
	unlink("made");
	begin();
	MUST(posix_spawn_file_actions_addopen(&actions, 9, "made",
					      O_CREAT | O_EXCL, 0600) == 0);
	error = posix_spawnp(&pid, "tool", &actions, NULL, argv, environ);
	end(error, pid);
}

static void play(void)
{
	MUST(chdir(argument) == 0);
	by_directory();
	by_search("nowhere:/:here");
	by_search("nowhere");
	by_search("there:here");
}
