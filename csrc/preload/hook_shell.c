/* SPDX-License-Identifier: MIT */
/*
 * system, popen, wordexp: they start the shell with the program's own
 * environment, past every hook. Where the program has lost our variables, or
 * has more than the shell should, they are set in it first, by libc's own
 * setenv(): that other threads may use the environment meanwhile is its
 * concern, and where the program is cancelled in the call nothing is left to
 * be undone.
 */
#include "channel.h"
#include "confine.h"
#include "libc.h"
#include "prepare.h"
#include "room.h"

#include <fcntl.h>

extern char **environ;

/* With all that is there of it replaced; only the last would count. */
static int set_preload(const struct pw_env *env)
{
	char *line = pw_room(env->line_bytes);
	int ret = line ? pw_env_preload(env, line) : -ENOMEM;

	if (ret == 0 && env->preloads > 1)
		pw_libc_unsetenv("LD_PRELOAD");
	if (ret == 0)
		ret = pw_libc_setenv(line);
	pw_room_give_back(line, env->line_bytes);
	return ret;
}

/* Return: 0, or -errno: the shell would not be wrapped */
static int mend_environment(const struct pw_permit *permit)
{
	struct pw_env env;
	int ret = 0;

	pw_env_examine(&env, environ, permit->runtime, true);
	if (!env.is_sound)
		ret = set_preload(&env);
	if (ret == 0 && !env.channel)
		ret = pw_libc_setenv(pw_channel()->variable);
	return ret;
}

static int judge_shell(struct pw_permit *permit)
{
	struct pw_program shell = { .dir = AT_FDCWD,
				    .path = "/bin/sh",
				    .cwd = AT_FDCWD };

	return pw_target_allowed(&shell, permit);
}

struct shell {
	const char *command, *mode; /* without a mode it is waited for */
	FILE *stream;
	int status;
};

static int start_shell(void *argument)
{
	struct shell *shell = argument;

	if (shell->mode)
		shell->stream = pw_libc.popen(shell->command, shell->mode);
	else
		shell->status = pw_libc.system(shell->command);
	return 0;
}

/* Start it as @permit says; errno is what libc has left. */
static int run_shell(struct shell *shell, struct pw_permit *permit)
{
	struct pw_start start = { .body = start_shell, .argument = shell };
	int ret = 0;

	if (permit->is_filtered)
		ret = pw_confine(&start);
	if (!permit->is_filtered || (start.filter_error && permit->is_optional))
		return start_shell(shell);
	if (start.filter_error)
		ret = pw_refuse_unfiltered("/bin/sh", start.filter_error);
	return ret;
}

int hook_system(const char *command)
{
	struct shell shell = { .command = command };
	struct pw_permit permit = { 0 };
	int ret = command ? judge_shell(&permit) : 0;

	if (ret == 0 && command)
		ret = mend_environment(&permit);
	if (ret == 0)
		ret = run_shell(&shell, &permit);
	return ret < 0 ? (int)pw_result(ret) : shell.status;
}

FILE *hook_popen(const char *command, const char *mode)
{
	struct shell shell = { .command = command, .mode = mode };
	struct pw_permit permit;
	int ret = judge_shell(&permit);

	if (ret == 0)
		ret = mend_environment(&permit);
	if (ret == 0)
		ret = run_shell(&shell, &permit);
	if (ret < 0)
		errno = -ret;
	return shell.stream;
}

/* Where the shell must not run, words that need none are expanded all the same.
 */
int hook_wordexp(const char *words, wordexp_t *found, int flags)
{
	struct pw_permit permit = { 0 };

	if (strpbrk(words, "$`") && !(flags & WRDE_NOCMD) &&
	    (judge_shell(&permit) < 0 ||
	     (permit.is_filtered && !permit.is_optional && !pw_is_confined()) ||
	     mend_environment(&permit) < 0))
		flags |= WRDE_NOCMD;
	return pw_libc.wordexp(words, found, flags);
}
