/* SPDX-License-Identifier: MIT */
#include "prepare.h"

#include "channel.h"
#include "lend.h"
#include "reach.h"
#include "sockaddr.h"
#include "target.h"

#include <fcntl.h>

static const char preload_name[] = "LD_PRELOAD=";

static const char *value_of(const char *variable, const char *name)
{
	size_t n = strlen(name);

	return strncmp(variable, name, n) == 0 ? variable + n : NULL;
}

/* Entries that the mended environment may need, with its end. */
size_t pw_env_slots(char *const envp[])
{
	size_t n = 0;

	while (envp && envp[n])
		n++;
	return n + 3;
}

/* Fill a line with the variable that a program needs; -E2BIG if it is too long.
 */
static int make_preload(char line[static PW_LINE_BYTES], const char *theirs,
			const char *runtime)
{
	const size_t name = sizeof(preload_name) - 1;

	memcpy(line, preload_name, name);
	return pw_order(line + name, PW_LINE_BYTES - name,
			pw_channel()->preload, theirs, runtime);
}

/**
 * pw_env_is_sound() - Whether a program started with it would be wrapped
 * @runtime: what has to stand before us there, and nothing else may, or ""
 */
bool pw_env_is_sound(char *const envp[], const char *runtime)
{
	bool has_preload = false, has_channel = pw_env_has_channel(envp);
	char line[PW_LINE_BYTES];

	for (; envp && *envp; envp++) {
		const char *list = value_of(*envp, preload_name);

		if (list)
			has_preload = make_preload(line, list, runtime) == 0 &&
				      strcmp(*envp, line) == 0;
	}
	return has_channel && has_preload;
}

/**
 * pw_env_preload() - The LD_PRELOAD, as a variable, that a program needs
 * @envp: the environment that it would have
 * @runtime: as for pw_env_build()
 * @line: filled in
 *
 * Return: 0, or -E2BIG
 */
int pw_env_preload(char *const envp[], const char *runtime,
		   char line[static PW_LINE_BYTES])
{
	const char *preload = NULL;

	for (; envp && *envp; envp++) {
		const char *list = value_of(*envp, preload_name);

		if (list)
			preload = list; /* ld.so takes the last */
	}
	return make_preload(line, preload, runtime);
}

/* Whether there is a way to a helper in it. */
bool pw_env_has_channel(char *const envp[])
{
	for (; envp && *envp; envp++)
		if (value_of(*envp, PW_CHANNEL_VARIABLE "="))
			return true;
	return false;
}

/**
 * pw_env_build() - Put our variables back into an environment
 * @envp: the application's, or NULL
 * @runtime: what the program needs before us, or ""
 * @out: room for pw_env_slots() entries
 * @line: holds the LD_PRELOAD
 *
 * Only ours are touched: the user's LD_PRELOAD stays, behind us.
 *
 * Return: 0, or -E2BIG
 */
int pw_env_build(char *const envp[], const char *runtime, char **out,
		 char line[static PW_LINE_BYTES])
{
	char *channel = NULL;
	size_t n = 0;

	if (pw_env_preload(envp, runtime, line) < 0)
		return -E2BIG;
	for (; envp && *envp; envp++)
		if (value_of(*envp, PW_CHANNEL_VARIABLE "="))
			channel = *envp;
		else if (!value_of(*envp, preload_name))
			out[n++] = *envp;
	out[n++] = line;
	/* One that is there already may be that of a proxywrap within. */
	out[n++] = channel ? channel
			   : (char *)(uintptr_t)pw_channel()->variable;
	out[n] = NULL;
	return 0;
}

/**
 * pw_target_allowed() - Judge a program, and have a refusal reported
 * @dir: as for pw_target_examine()
 * @path: the application's
 * @permit: filled in
 *
 * Return: 0: run it; -errno: it would not be wrapped, and must not run
 * Context: asks the helper, and waits for it, where it says no
 */
int pw_target_allowed(int dir, const char *path, int flags,
		      struct pw_permit *permit)
{
	struct pw_request request = { .op = PW_OP_EXEC };
	struct pw_reply reply;
	enum pw_target verdict;
	int ret;

	*permit = (struct pw_permit){ 0 };
	if (!path || !pw_readable(path, 1))
		return 0; /* the kernel says EFAULT */
	verdict = pw_target_examine(dir, path, flags, permit->runtime);
	if (verdict == PW_TARGET_OK && !pw_is_preload_within_reach())
		verdict = PW_TARGET_PRELOAD;
	if (verdict == PW_TARGET_OK)
		return 0;
	request.detail = (uint16_t)verdict;
	pw_request_set_name(&request, path);
	ret = pw_channel_ask(&request, &reply);
	/* A script of the shell's, most likely, and no line is due. */
	if (verdict == PW_TARGET_FORMAT && (ret < 0 || reply.error))
		return -ENOEXEC;
	permit->is_refused = ret < 0 || reply.error != 0;
	if (ret == -EMFILE || ret == -ENFILE)
		return ret;
	return ret < 0 ? -EACCES : -reply.error;
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
