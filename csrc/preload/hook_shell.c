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
#include "libc.h"
#include "prepare.h"
#include "sockaddr.h"

#include <fcntl.h>

extern char **environ;

#define PRELOAD "LD_PRELOAD"

/*
 * Take what there is of the environment. Another thread may change it now, and
 * libc free what we are reading: only the kernel reads it in system() itself.
 */
static void take_environment(char **out, size_t room)
{
	char **env = environ;
	size_t n = 0;

	for (; env && n < room - 1 && pw_readable(env, sizeof(*env)) && *env;
	     env++) {
		char *variable = *(char *volatile *)env;

		if (variable && pw_readable(variable, sizeof(PRELOAD)))
			out[n++] = variable;
	}
	out[n] = NULL;
}

/* Return: 0, or -errno: the shell would not be wrapped */
static int mend_environment(const struct pw_permit *permit)
{
	char line[PW_LINE_BYTES];
	size_t slots = pw_env_slots(NULL);
	char **env;
	int ret;

	for (char **at = environ; at && pw_readable(at, sizeof(*at)) && *at;
	     at++)
		slots++;
	if (slots > PW_MAX_ENV)
		return -E2BIG;
	env = __builtin_alloca(slots * sizeof(*env));
	take_environment(env, slots);
	if (pw_env_is_sound(env, permit->runtime))
		return 0;
	ret = pw_env_preload(env, permit->runtime, line);
	if (ret == 0)
		ret = pw_libc_setenv(line);
	if (ret == 0 && !pw_env_has_channel(env))
		ret = pw_libc_setenv(pw_channel()->variable);
	return ret;
}

static int judge_shell(struct pw_permit *permit)
{
	return pw_target_allowed(AT_FDCWD, "/bin/sh", 0, permit);
}

int hook_system(const char *command)
{
	struct pw_permit permit = { 0 };
	int ret = command ? judge_shell(&permit) : 0;

	if (ret == 0 && command)
		ret = mend_environment(&permit);
	if (ret < 0)
		return (int)pw_result(ret);
	return pw_libc.system(command);
}

FILE *hook_popen(const char *command, const char *mode)
{
	struct pw_permit permit;
	int ret = judge_shell(&permit);

	if (ret == 0)
		ret = mend_environment(&permit);
	if (ret < 0) {
		errno = -ret;
		return NULL;
	}
	return pw_libc.popen(command, mode);
}

/* Where the shell must not run, words that need none are expanded all the same.
 */
int hook_wordexp(const char *words, wordexp_t *found, int flags)
{
	struct pw_permit permit = { 0 };

	if (strpbrk(words, "$`") && !(flags & WRDE_NOCMD) &&
	    (judge_shell(&permit) < 0 || mend_environment(&permit) < 0))
		flags |= WRDE_NOCMD;
	return pw_libc.wordexp(words, found, flags);
}
