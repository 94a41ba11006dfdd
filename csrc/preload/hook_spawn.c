/* SPDX-License-Identifier: MIT */
/*
 * posix_spawn, posix_spawnp, and the file actions that change the directory;
 * fork.
 */
#include "confine.h"
#include "guard.h"
#include "libc.h"
#include "path.h"
#include "prepare.h"
#include "room.h"
#include "spawndir.h"
#include "strip.h"

#include <fcntl.h>
#include <sys/stat.h>

extern char **environ;

/* Judge a program as the child will see it; 0 or an errno. */
static int judge(struct pw_program *program,
		 const posix_spawn_file_actions_t *actions,
		 struct pw_permit *permit)
{
	int dir = pw_spawndir_open(actions), ret;

	/* An absolute path is looked up without it. */
	if (dir < 0 && dir != AT_FDCWD && program->path &&
	    *program->path != '/')
		return -dir;
	program->dir = program->cwd = dir;
	ret = pw_target_allowed(program, permit);
	if (dir >= 0)
		pw_sys(SYS_close, dir);
	return -ret;
}

struct spawning {
	pid_t *pid;
	const char *path;
	const posix_spawn_file_actions_t *actions;
	const posix_spawnattr_t *attr;
	char *const *argv, *const *envp;
};

static int do_spawn(void *argument)
{
	const struct spawning *what = argument;

	return -pw_libc.posix_spawn(what->pid, what->path, what->actions,
				    what->attr, what->argv, what->envp);
}

/* Return: 0 or an errno, as posix_spawn() does */
static int spawn_confined(struct spawning *what, struct pw_permit *permit)
{
	struct pw_start start = { .body = do_spawn, .argument = what };
	int ret = pw_confine(&start);

	if (start.filter_error && permit->is_optional) {
		permit->is_filtered = permit->is_bare = false;
	} else if (start.filter_error) {
		permit->is_refused = true;
		ret = pw_refuse_unfiltered(what->path, start.filter_error);
	}
	return -ret;
}

/* It returns when the child has executed the program: nothing is used later. */
static int spawn_as(struct spawning *what, struct pw_permit *permit)
{
	pw_await_inherited();
	return permit->is_filtered ? spawn_confined(what, permit)
				   : -do_spawn(what);
}

static int spawn_judged(struct spawning what, struct pw_permit *permit)
{
	struct pw_env env;
	size_t bytes;
	void *room;
	int ret;

	pw_env_examine(&env, what.envp, permit->runtime, false);
	bytes = pw_env_room(&env);
	room = pw_room(bytes);
	if (!room)
		return ENOMEM;
	what.envp = pw_env_mend(&env, what.envp, room);
	ret = what.envp ? spawn_as(&what, permit) : E2BIG;
	pw_room_give_back(room, bytes);
	return ret;
}

/* Without us, and under the filter. */
static int spawn_bare(struct spawning what, struct pw_permit *permit)
{
	size_t bytes = pw_strip_room(what.envp);
	void *room = pw_room(bytes);
	int ret;

	if (!room)
		return ENOMEM;
	what.envp = pw_strip(what.envp, room);
	ret = spawn_as(&what, permit);
	pw_room_give_back(room, bytes);
	return ret;
}

static int spawn(pid_t *pid, const char *path,
		 const posix_spawn_file_actions_t *actions,
		 const posix_spawnattr_t *attr, char *const argv[],
		 char *const envp[], struct pw_permit *permit)
{
	struct pw_program program = { .path = path,
				      .argv = argv,
				      .envp = envp };
	struct spawning what = { pid, path, actions, attr, argv, envp };
	int saved = errno, ret;
	bool was_filtered;

	pw_room_sweep();
	permit->is_refused = false;
	ret = judge(&program, actions, permit);
	errno = saved;
	if (ret)
		return ret;
	was_filtered = permit->is_filtered;
	ret = permit->is_bare ? spawn_bare(what, permit)
			      : spawn_judged(what, permit);
	/* There is no filter to be had, and it can do without one. */
	return was_filtered && !permit->is_filtered ? spawn_judged(what, permit)
						    : ret;
}

int hook_posix_spawn(pid_t *pid, const char *path,
		     const posix_spawn_file_actions_t *actions,
		     const posix_spawnattr_t *attr, char *const argv[],
		     char *const envp[])
{
	struct pw_permit permit;

	return spawn(pid, path, actions, attr, argv, envp, &permit);
}

/*
 * What keeps a place in PATH from being tried at all: the file actions must
 * not be carried out once for each, for they may create files. 0 or an errno.
 */
static int passes_over(const char *path,
		       const posix_spawn_file_actions_t *actions)
{
	int dir = *path == '/' ? AT_FDCWD : pw_spawndir_open(actions);
	struct stat st;
	long ret;

	if (dir < 0 && dir != AT_FDCWD)
		return -dir;
	ret = pw_sys(SYS_faccessat2, dir, path, 1, AT_EACCESS);
	if (ret == -ENOSYS) /* before Linux 5.8 */
		ret = pw_sys(SYS_faccessat, dir, path, 1);
	if (ret == 0 && pw_sys(SYS_newfstatat, dir, path, &st, 0) == 0 &&
	    (st.st_mode & S_IFMT) != S_IFREG)
		ret = -EACCES;
	if (dir >= 0)
		pw_sys(SYS_close, dir);
	return (int)-ret;
}

static bool goes_on(int error)
{
	switch (error) {
	case EACCES:
	case ENOENT:
	case ENOTDIR:
	case ESTALE:
	case ENODEV:
	case ETIMEDOUT:
		return true;
	default:
		return false;
	}
}

/* In each place that PATH has. */
static int spawn_search(pid_t *pid, const char *file,
			const posix_spawn_file_actions_t *actions,
			const posix_spawnattr_t *attr, char *const argv[],
			char *const envp[])
{
	struct pw_path_search search;
	struct pw_permit permit = { 0 };
	bool was_denied = false;
	int ret = ENOENT;
	char *path;

	pw_path_begin(&search, environ, file);
	path = __builtin_alloca(search.room + 1);
	while (pw_path_next(&search, path)) {
		ret = passes_over(path, actions);
		if (!ret)
			ret = spawn(pid, path, actions, attr, argv, envp,
				    &permit);
		if (permit.is_refused || !goes_on(ret))
			return ret;
		was_denied |= ret == EACCES;
	}
	return was_denied ? EACCES : ret;
}

int hook_posix_spawnp(pid_t *pid, const char *file,
		      const posix_spawn_file_actions_t *actions,
		      const posix_spawnattr_t *attr, char *const argv[],
		      char *const envp[])
{
	if (strchr(file, '/'))
		return hook_posix_spawn(pid, file, actions, attr, argv, envp);
	if (!*file)
		return ENOENT;
	return spawn_search(pid, file, actions, attr, argv, envp);
}

/* As a kernel without CLONE_PIDFD has it: who calls these can do without. */
int hook_pidfd_spawn(int *pidfd, const char *path,
		     const posix_spawn_file_actions_t *actions,
		     const posix_spawnattr_t *attr, char *const argv[],
		     char *const envp[])
{
	(void)pidfd, (void)path, (void)actions, (void)attr, (void)argv;
	(void)envp;
	return ENOSYS;
}

int hook_pidfd_spawnp(int *pidfd, const char *file,
		      const posix_spawn_file_actions_t *actions,
		      const posix_spawnattr_t *attr, char *const argv[],
		      char *const envp[])
{
	return hook_pidfd_spawn(pidfd, file, actions, attr, argv, envp);
}

int hook_posix_spawn_file_actions_init(posix_spawn_file_actions_t *actions)
{
	pw_spawndir_forget(actions);
	return pw_libc.posix_spawn_file_actions_init(actions);
}

int hook_posix_spawn_file_actions_destroy(posix_spawn_file_actions_t *actions)
{
	pw_spawndir_forget(actions);
	return pw_libc.posix_spawn_file_actions_destroy(actions);
}

int hook_posix_spawn_file_actions_addchdir_np(
	posix_spawn_file_actions_t *actions, const char *path)
{
	int ret = pw_libc.posix_spawn_file_actions_addchdir_np(actions, path);

	return ret ? ret : -pw_spawndir_note(actions, path, -1);
}

int hook_posix_spawn_file_actions_addfchdir_np(
	posix_spawn_file_actions_t *actions, int fd)
{
	int ret = pw_libc.posix_spawn_file_actions_addfchdir_np(actions, fd);

	return ret ? ret : -pw_spawndir_note(actions, NULL, fd);
}

/* The same by the names of POSIX.1-2024. */
int hook_posix_spawn_file_actions_addchdir(posix_spawn_file_actions_t *actions,
					   const char *path)
{
	return hook_posix_spawn_file_actions_addchdir_np(actions, path);
}

int hook_posix_spawn_file_actions_addfchdir(posix_spawn_file_actions_t *actions,
					    int fd)
{
	return hook_posix_spawn_file_actions_addfchdir_np(actions, fd);
}

/* The child's copy of our records is its own from its first instruction on. */
pid_t hook_fork(void)
{
	pid_t pid = pw_libc.fork();

	if (pid == 0)
		pw_guard_own();
	return pid;
}
