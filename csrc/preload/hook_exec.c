/* SPDX-License-Identifier: MIT */
/*
 * The exec family. Each is a hook of its own, because inside libc none goes
 * through another's PLT entry. May run between vfork and exec: the stack is
 * all the memory there is.
 */
#include "confine.h"
#include "libc.h"
#include "path.h"
#include "prepare.h"
#include "room.h"
#include "strip.h"

#include <fcntl.h>
#include <stdarg.h>

extern char **environ;

struct execution {
	const struct pw_program *program;
	char *const *envp;
};

static int execute(void *argument)
{
	const struct execution *what = argument;
	const struct pw_program *program = what->program;

	return (int)pw_sys(SYS_execveat, program->dir, program->path,
			   program->argv, what->envp, program->flags);
}

static int execute_confined(struct execution *what, struct pw_permit *permit)
{
	struct pw_start start = { .body = execute,
				  .argument = what,
				  .is_exec = true };
	int ret = pw_confine(&start);

	if (start.filter_error && permit->is_optional) {
		permit->is_filtered = permit->is_bare = false;
	} else if (start.filter_error) {
		permit->is_refused = true;
		ret = pw_refuse_unfiltered(what->program->path,
					   start.filter_error);
	}
	return (int)pw_result(ret);
}

static int execute_as(const struct pw_program *program, char *const *envp,
		      struct pw_permit *permit)
{
	pw_await_inherited();
	if (permit->is_filtered)
		return execute_confined(
			&(struct execution){ .program = program, .envp = envp },
			permit);
	if (program->dir == AT_FDCWD && !program->flags)
		return pw_libc.execve(program->path, program->argv, envp);
	return (int)pw_result(pw_sys(SYS_execveat, program->dir, program->path,
				     program->argv, envp, program->flags));
}

/* An environment that is sound goes to the kernel as it is. */
static int exec_judged(const struct pw_program *program,
		       struct pw_permit *permit)
{
	struct pw_env env;
	char *const *envp;
	size_t bytes;
	void *room;
	int ret;

	pw_env_examine(&env, program->envp, permit->runtime, false);
	bytes = pw_env_room(&env);
	room = pw_room(bytes);
	envp = room ? pw_env_mend(&env, program->envp, room) : NULL;
	ret = envp ? execute_as(program, envp, permit)
		   : (int)pw_result(room ? -E2BIG : -ENOMEM);
	pw_room_give_back(room, bytes);
	return ret;
}

/* Without us, and under the filter. */
static int exec_bare(const struct pw_program *program, struct pw_permit *permit)
{
	size_t bytes = pw_strip_room(program->envp);
	void *room = pw_room(bytes);
	int ret = room ? execute_as(program, pw_strip(program->envp, room),
				    permit)
		       : (int)pw_result(-ENOMEM);

	pw_room_give_back(room, bytes);
	return ret;
}

/* Where @permit says that it was refused, no other file may run instead. */
static int exec_permitted(const struct pw_program *program,
			  struct pw_permit *permit)
{
	bool was_filtered;
	int ret;

	pw_room_sweep();
	ret = pw_target_allowed(program, permit);
	if (ret < 0)
		return (int)pw_result(ret);
	was_filtered = permit->is_filtered;
	ret = permit->is_bare ? exec_bare(program, permit)
			      : exec_judged(program, permit);
	/* There is no filter to be had, and it can do without one. */
	return was_filtered && !permit->is_filtered
		       ? exec_judged(program, permit)
		       : ret;
}

static int exec_at(int dir, const char *path, char *const argv[],
		   char *const envp[], int flags)
{
	struct pw_program program = { .dir = dir,
				      .path = path,
				      .flags = flags,
				      .argv = argv,
				      .envp = envp,
				      .cwd = AT_FDCWD };
	struct pw_permit permit;

	return exec_permitted(&program, &permit);
}

int hook_execve(const char *path, char *const argv[], char *const envp[])
{
	return exec_at(AT_FDCWD, path, argv, envp, 0);
}

int hook_execveat(int dir, const char *path, char *const argv[],
		  char *const envp[], int flags)
{
	return exec_at(dir, path, argv, envp, flags);
}

int hook_fexecve(int fd, char *const argv[], char *const envp[])
{
	return exec_at(fd, "", argv, envp, AT_EMPTY_PATH);
}

int hook_execv(const char *path, char *const argv[])
{
	return exec_at(AT_FDCWD, path, argv, environ, 0);
}

/* A file without a "#!" line is a script of the shell's, for execvp. */
static int exec_shell(const struct pw_program *script, struct pw_permit *permit)
{
	static char shell[] = "/bin/sh";
	struct pw_program program = *script;
	char *const *argv = script->argv;
	size_t n = 0, bytes;
	char **args;
	int ret;

	while (argv[n])
		n++;
	bytes = (n + 3) * sizeof(*args);
	args = pw_room(bytes);
	if (!args)
		return (int)pw_result(-ENOMEM);
	args[0] = shell;
	args[1] = (char *)(uintptr_t)script->path;
	for (size_t i = 1; i < n; i++)
		args[i + 1] = argv[i];
	args[n ? n + 1 : 2] = NULL;
	program.path = shell;
	program.argv = args;
	ret = exec_permitted(&program, permit);
	pw_room_give_back(args, bytes);
	return ret;
}

static int exec_found(const struct pw_program *program,
		      struct pw_permit *permit)
{
	int ret = exec_permitted(program, permit);

	return errno == ENOEXEC ? exec_shell(program, permit) : ret;
}

/* In each place that PATH has. */
static int exec_search(struct pw_program *program, const char *file)
{
	struct pw_path_search search;
	struct pw_permit permit = { 0 };
	bool was_denied = false;
	char *path;

	errno = ENOENT;
	pw_path_begin(&search, environ, file);
	path = __builtin_alloca(search.room + 1);
	program->path = path;
	while (pw_path_next(&search, path)) {
		exec_found(program, &permit);
		if (permit.is_refused)
			return -1;
		if (errno == EACCES)
			was_denied = true;
		else if (errno != ENOENT && errno != ENOTDIR &&
			 errno != ESTALE && errno != ENODEV &&
			 errno != ETIMEDOUT)
			return -1;
	}
	if (was_denied)
		errno = EACCES;
	return -1;
}

int hook_execvpe(const char *file, char *const argv[], char *const envp[])
{
	struct pw_program program = { .dir = AT_FDCWD,
				      .path = file,
				      .argv = argv,
				      .envp = envp,
				      .cwd = AT_FDCWD };
	struct pw_permit permit;

	if (strchr(file, '/'))
		return exec_found(&program, &permit);
	if (*file)
		return exec_search(&program, file);
	errno = ENOENT;
	return -1;
}

int hook_execvp(const char *file, char *const argv[])
{
	return hook_execvpe(file, argv, environ);
}

/* How many arguments a list has, its end not counted. */
static size_t count_args(va_list list)
{
	size_t n = 1;

	while (va_arg(list, char *))
		n++;
	return n;
}

static void take_args(char **out, const char *arg, size_t n, va_list list)
{
	out[0] = (char *)(uintptr_t)arg;
	for (size_t i = 1; i <= n; i++)
		out[i] = va_arg(list, char *);
}

/*
 * The list forms differ in what follows the list and who takes it: @call, with
 * the rest of it in @list.
 */
#define PW_WITH_LIST(args, arg, call)           \
	va_list list;                           \
	size_t n, bytes;                        \
	char **args;                            \
	int ret;                                \
	va_start(list, arg);                    \
	n = arg ? count_args(list) : 0;         \
	va_end(list);                           \
	bytes = (n + 1) * sizeof(*args);        \
	args = pw_room(bytes);                  \
	if (!args)                              \
		return (int)pw_result(-ENOMEM); \
	va_start(list, arg);                    \
	args[0] = NULL;                         \
	if (arg)                                \
		take_args(args, arg, n, list);  \
	ret = (call);                           \
	va_end(list);                           \
	pw_room_give_back(args, bytes);         \
	return ret;

int hook_execl(const char *path, const char *arg, ...)
{
	PW_WITH_LIST(args, arg, exec_at(AT_FDCWD, path, args, environ, 0))
}

int hook_execlp(const char *file, const char *arg, ...)
{
	PW_WITH_LIST(args, arg, hook_execvpe(file, args, environ))
}

int hook_execle(const char *path, const char *arg, ...)
{
	PW_WITH_LIST(args, arg,
		     exec_at(AT_FDCWD, path, args,
			     arg ? va_arg(list, char *const *) : NULL, 0))
}
