/* SPDX-License-Identifier: MIT */
/* posix_spawn, posix_spawnp, system, popen. */
#include "guard.h"
#include "libc.h"
#include "path.h"
#include "prepare.h"

#include <fcntl.h>

extern char **environ;

int hook_posix_spawn(pid_t *pid, const char *path,
		     const posix_spawn_file_actions_t *actions,
		     const posix_spawnattr_t *attr, char *const argv[],
		     char *const envp[])
{
	char line[PW_LINE_BYTES];
	size_t slots = pw_env_slots(envp);
	int saved = errno, ret;
	char **env;

	if (slots > PW_MAX_ENV)
		return E2BIG;
	env = __builtin_alloca(slots * sizeof(*env));
	ret = pw_target_allowed(AT_FDCWD, path, 0);
	if (ret == 0)
		ret = pw_env_build(envp, env, line);
	errno = saved;
	if (ret < 0)
		return -ret;
	pw_await_inherited();
	return pw_libc.posix_spawn(pid, path, actions, attr, argv, env);
}

int hook_posix_spawnp(pid_t *pid, const char *file,
		      const posix_spawn_file_actions_t *actions,
		      const posix_spawnattr_t *attr, char *const argv[],
		      char *const envp[])
{
	char path[PW_PATH_BYTES];
	struct pw_path_search search;
	int ret = ENOENT;
	bool was_denied = false;

	if (strchr(file, '/'))
		return hook_posix_spawn(pid, file, actions, attr, argv, envp);
	if (!*file)
		return ENOENT;
	pw_path_begin(&search, environ);
	while (pw_path_next(&search, file, path)) {
		ret = hook_posix_spawn(pid, path, actions, attr, argv, envp);
		was_denied |= ret == EACCES;
		if (ret != ENOENT && ret != EACCES && ret != ENOTDIR)
			return ret;
	}
	return was_denied ? EACCES : ret;
}

/*
 * system() and popen() start the shell with the program's own environment,
 * past every hook. Where the program has lost our variables, it is lent one
 * that has them for the time of the call.
 */
#define PW_WITH_SOUND_ENVIRONMENT(result, call)                   \
	do {                                                      \
		char line[PW_LINE_BYTES], **own = environ, **env; \
		size_t slots = pw_env_slots(own);                 \
		if (pw_env_is_sound(own)) {                       \
			result = call;                            \
			break;                                    \
		}                                                 \
		if (slots > PW_MAX_ENV) {                         \
			errno = E2BIG;                            \
			break;                                    \
		}                                                 \
		env = __builtin_alloca(slots * sizeof(*env));     \
		if (pw_env_build(own, env, line) < 0) {           \
			errno = E2BIG;                            \
			break;                                    \
		}                                                 \
		environ = env;                                    \
		result = call;                                    \
		environ = own;                                    \
	} while (0)

int hook_system(const char *command)
{
	int ret = command ? pw_target_allowed(AT_FDCWD, "/bin/sh", 0) : 0;

	if (ret < 0)
		return (int)pw_result(ret);
	ret = -1;
	PW_WITH_SOUND_ENVIRONMENT(ret, pw_libc.system(command));
	return ret;
}

FILE *hook_popen(const char *command, const char *mode)
{
	int ret = pw_target_allowed(AT_FDCWD, "/bin/sh", 0);
	FILE *stream = NULL;

	if (ret < 0) {
		errno = -ret;
		return NULL;
	}
	PW_WITH_SOUND_ENVIRONMENT(stream, pw_libc.popen(command, mode));
	return stream;
}

/* The child's copy of our records is its own from its first instruction on. */
pid_t hook_fork(void)
{
	pid_t pid = pw_libc.fork();

	if (pid == 0)
		pw_guard_own();
	return pid;
}
