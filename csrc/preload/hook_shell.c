/* SPDX-License-Identifier: MIT */
/*
 * system, popen, wordexp: they start the shell with the program's own
 * environment, past every hook. Where the program has lost our variables, or
 * has more than the shell should, it is lent a sound one for the time of the
 * call.
 */
#include "libc.h"
#include "prepare.h"

#include <fcntl.h>

extern char **environ;

#define PW_WITH_SOUND_ENVIRONMENT(permit, result, call)                   \
	do {                                                              \
		char line[PW_LINE_BYTES], **own = environ, **env;         \
		size_t slots = pw_env_slots(own);                         \
		if (pw_env_is_sound(own, (permit).runtime)) {             \
			result = call;                                    \
			break;                                            \
		}                                                         \
		if (slots > PW_MAX_ENV) {                                 \
			errno = E2BIG;                                    \
			break;                                            \
		}                                                         \
		env = __builtin_alloca(slots * sizeof(*env));             \
		if (pw_env_build(own, (permit).runtime, env, line) < 0) { \
			errno = E2BIG;                                    \
			break;                                            \
		}                                                         \
		environ = env;                                            \
		result = call;                                            \
		environ = own;                                            \
	} while (0)

static int judge_shell(struct pw_permit *permit)
{
	return pw_target_allowed(AT_FDCWD, "/bin/sh", 0, permit);
}

int hook_system(const char *command)
{
	struct pw_permit permit = { 0 };
	int ret = command ? judge_shell(&permit) : 0;

	if (ret < 0)
		return (int)pw_result(ret);
	ret = -1;
	PW_WITH_SOUND_ENVIRONMENT(permit, ret, pw_libc.system(command));
	return ret;
}

FILE *hook_popen(const char *command, const char *mode)
{
	struct pw_permit permit;
	int ret = judge_shell(&permit);
	FILE *stream = NULL;

	if (ret < 0) {
		errno = -ret;
		return NULL;
	}
	PW_WITH_SOUND_ENVIRONMENT(permit, stream, pw_libc.popen(command, mode));
	return stream;
}

/* Where the shell must not run, words that need none are expanded all the same.
 */
int hook_wordexp(const char *words, wordexp_t *found, int flags)
{
	struct pw_permit permit = { 0 };
	int ret = WRDE_NOSPACE;

	if (!strpbrk(words, "$`"))
		return pw_libc.wordexp(words, found, flags);
	if (!(flags & WRDE_NOCMD) && judge_shell(&permit) < 0)
		flags |= WRDE_NOCMD;
	PW_WITH_SOUND_ENVIRONMENT(permit, ret,
				  pw_libc.wordexp(words, found, flags));
	return ret;
}
