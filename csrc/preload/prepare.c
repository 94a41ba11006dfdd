/* SPDX-License-Identifier: MIT */
#include "prepare.h"

#include "channel.h"
#include "lend.h"
#include "sockaddr.h"
#include "target.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

static const char preload_name[] = "LD_PRELOAD=";

static const char *value_of(const char *variable, const char *name)
{
	size_t n = strlen(name);

	return strncmp(variable, name, n) == 0 ? variable + n : NULL;
}

/* Whether a list of objects, parted by colons and blanks, has ours. */
static bool has_object(const char *list, const char *object)
{
	size_t n = strlen(object);

	while (*list) {
		size_t end = strcspn(list, ": ");

		if (end == n && strncmp(list, object, n) == 0)
			return true;
		list += end;
		list += strspn(list, ": ");
	}
	return false;
}

/* Entries that the mended environment may need, with its end. */
size_t pw_env_slots(char *const envp[])
{
	size_t n = 0;

	while (envp && envp[n])
		n++;
	return n + 3;
}

/* Whether a program started with it would be wrapped. */
bool pw_env_is_sound(char *const envp[])
{
	const struct pw_channel *ch = pw_channel();
	bool has_channel = false, has_preload = false;

	for (; envp && *envp; envp++) {
		const char *list = value_of(*envp, preload_name);

		if (list)
			has_preload = has_object(list, ch->preload);
		has_channel |= value_of(*envp, PW_CHANNEL_VARIABLE "=") != NULL;
	}
	return has_channel && has_preload;
}

/**
 * pw_env_build() - Put our variables back into an environment
 * @envp: the application's, or NULL
 * @out: room for pw_env_slots() entries
 * @line: holds the LD_PRELOAD, where it has to be made
 *
 * Only ours are touched: the user's LD_PRELOAD stays, behind us.
 *
 * Return: 0, or -E2BIG
 */
int pw_env_build(char *const envp[], char **out,
		 char line[static PW_LINE_BYTES])
{
	const struct pw_channel *ch = pw_channel();
	const size_t name = sizeof(preload_name) - 1,
		     ours = strlen(ch->preload);
	char *preload = NULL, *channel = NULL;
	size_t n = 0;

	for (; envp && *envp; envp++) {
		if (value_of(*envp, preload_name))
			preload = *envp;
		else if (value_of(*envp, PW_CHANNEL_VARIABLE "="))
			channel = *envp;
		else
			out[n++] = *envp;
	}
	if (!preload || !has_object(preload + name, ch->preload)) {
		size_t theirs = preload ? strlen(preload + name) : 0;

		if (name + ours + 1 + theirs >= PW_LINE_BYTES)
			return -E2BIG;
		memcpy(line, preload_name, name);
		memcpy(line + name, ch->preload, ours + 1);
		if (theirs) {
			line[name + ours] = ':';
			memcpy(line + name + ours + 1, preload + name,
			       theirs + 1);
		}
		preload = line;
	}
	out[n++] = preload;
	/* One that is there already may be that of a proxywrap within. */
	out[n++] = channel ? channel : (char *)(uintptr_t)ch->variable;
	out[n] = NULL;
	return 0;
}

/*
 * Whether ld.so will load this very object: it goes on without one that it
 * cannot open or map, and loads whatever lies at the path.
 */
static bool is_preload_within_reach(void)
{
	const struct pw_channel *ch = pw_channel();
	long fd =
		pw_sys(SYS_openat, AT_FDCWD, ch->preload, O_RDONLY | O_CLOEXEC);
	struct stat st;
	long map;
	bool is_same;

	if (fd < 0)
		return false;
	is_same = pw_sys(SYS_fstat, fd, &st) == 0 && st.st_ino == ch->ino &&
		  st.st_dev == ch->dev;
	/* Not where the file system is mounted noexec. */
	map = pw_sys(SYS_mmap, 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd,
		     0);
	pw_sys(SYS_close, fd);
	if (map < 0 && map > -4096)
		return false;
	pw_sys(SYS_munmap, map, 4096);
	return is_same;
}

/**
 * pw_target_allowed() - Judge a program, and have a refusal reported
 * @dir: as for pw_target_judge()
 * @path: the application's
 *
 * Return: 0: run it; -errno: it would not be wrapped, and must not run
 * Context: asks the helper, and waits for it, where it says no
 */
int pw_target_allowed(int dir, const char *path, int flags)
{
	struct pw_request request = { .op = PW_OP_EXEC };
	struct pw_reply reply;
	enum pw_target verdict;

	if (!path || !pw_readable(path, 1))
		return 0; /* the kernel says EFAULT */
	verdict = pw_target_judge(dir, path, flags);
	if (verdict == PW_TARGET_FORMAT)
		return -ENOEXEC;
	if (verdict == PW_TARGET_OK && !is_preload_within_reach())
		verdict = PW_TARGET_PRELOAD;
	if (verdict == PW_TARGET_OK)
		return 0;
	request.detail = (uint16_t)verdict;
	pw_request_set_name(&request, path);
	if (pw_channel_ask(&request, &reply) < 0)
		return -EACCES;
	return -reply.error;
}

/* A pending socket that survives exec looks connected in mid-handshake. */
void pw_await_inherited(void)
{
	if (!pw_is_busy())
		return;
	for (int fd = 0; fd < PW_FDS; fd++) {
		if (!pw_loan_in_slot(fd))
			continue;
		if (!(pw_sys(SYS_fcntl, fd, F_GETFD) & FD_CLOEXEC))
			pw_await(fd);
	}
}
