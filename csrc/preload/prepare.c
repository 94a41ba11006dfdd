/* SPDX-License-Identifier: MIT */
#include "prepare.h"

#include "channel.h"
#include "confine.h"
#include "lend.h"
#include "lifeline.h"
#include "reach.h"
#include "sockaddr.h"

#include <fcntl.h>

static const char preload_name[] = "LD_PRELOAD=";
static const char channel_name[] = PW_CHANNEL_VARIABLE "=";

static const char *value_of(const char *variable, const char *name)
{
	size_t n = strlen(name);

	return strncmp(variable, name, n) == 0 ? variable + n : NULL;
}

static void examine(struct pw_env *env, char *variable, const char *runtime)
{
	const char *list = value_of(variable, preload_name);

	if (value_of(variable, channel_name))
		env->channel = variable;
	if (!list)
		return;
	env->preload = list; /* ld.so takes the last */
	env->preloads++;
	env->is_sound &= pw_order_is_kept(pw_channel()->preload, list, runtime);
}

/**
 * pw_env_examine() - See what an environment lacks
 * @env: filled in; its strings are those of @envp
 * @envp: the application's, or NULL
 * @runtime: what the program needs before us, or ""
 * @is_shared: another thread may change it now, and libc free what is read
 */
void pw_env_examine(struct pw_env *env, char *const envp[], const char *runtime,
		    bool is_shared)
{
	const size_t head = sizeof(preload_name);

	*env = (struct pw_env){ .is_sound = true, .runtime = runtime };
	for (;
	     envp && (!is_shared || pw_readable(envp, sizeof(*envp))) && *envp;
	     envp++) {
		char *variable = *(char *const volatile *)envp;

		env->count++;
		if (variable && (!is_shared || pw_readable(variable, head)))
			examine(env, variable, runtime);
	}
	env->is_sound &= env->preload && env->channel;
	env->line_bytes =
		sizeof(preload_name) - 1 +
		pw_order_bytes(pw_channel()->preload, env->preload, runtime);
}

/**
 * pw_env_preload() - The LD_PRELOAD, as a variable, that a program needs
 * @line: filled in, with @env->line_bytes bytes
 *
 * Return: 0, or -E2BIG: another thread has changed it meanwhile
 */
int pw_env_preload(const struct pw_env *env, char *line)
{
	const size_t name = sizeof(preload_name) - 1;

	memcpy(line, preload_name, name);
	return pw_order(line + name, env->line_bytes - name,
			pw_channel()->preload, env->preload, env->runtime);
}

/* The entries of a mended environment, with its end. */
static size_t slots(const struct pw_env *env)
{
	return env->count + 3;
}

/**
 * pw_env_room() - The memory that pw_env_mend() needs
 *
 * Return: a number of bytes
 */
size_t pw_env_room(const struct pw_env *env)
{
	if (env->is_sound)
		return 0;
	return slots(env) * sizeof(char *) + env->line_bytes;
}

/**
 * pw_env_mend() - Put our variables back into an environment
 * @env: what was seen of it
 * @envp: the same as then
 * @memory: pw_env_room() bytes, aligned for pointers
 *
 * Only ours are touched: the user's LD_PRELOAD stays, behind us.
 *
 * Return: the mended one, in @memory; or @envp, which is sound; NULL as for
 *	pw_env_preload()
 */
char *const *pw_env_mend(const struct pw_env *env, char *const envp[],
			 void *memory)
{
	char **out = memory, *line;
	size_t n = 0;

	if (env->is_sound)
		return envp;
	line = (char *)(out + slots(env));
	if (pw_env_preload(env, line) < 0)
		return NULL;
	for (; envp && *envp && n < env->count; envp++)
		if (!value_of(*envp, channel_name) &&
		    !value_of(*envp, preload_name))
			out[n++] = *envp;
	out[n++] = line;
	/* One that is there already may be that of a proxywrap within. */
	out[n++] = env->channel ? env->channel
				: (char *)(uintptr_t)pw_channel()->variable;
	out[n] = NULL;
	return out;
}

/*
 * Whether the program would be wrapped as we are. One in another network
 * namespace is put under the filter: what it starts may be in a root from
 * which nobody can be asked.
 */
static enum pw_target judge_place(void)
{
	if (!pw_lifeline_is_kept())
		return PW_TARGET_OK;
	return pw_channel_is_near() ? PW_TARGET_AWAY : PW_TARGET_CUT_OFF;
}

static bool can_be_filtered(enum pw_target verdict)
{
	return verdict != PW_TARGET_SECURE && verdict != PW_TARGET_FOREIGN &&
	       verdict != PW_TARGET_FORMAT;
}

/*
 * Have the user told of a program that would not be wrapped. In a frame of its
 * own, which is gone while other programs are looked into.
 */
PW_APART static int refuse(enum pw_target verdict, const char *path,
			   struct pw_permit *permit)
{
	struct pw_request request = { .op = PW_OP_EXEC,
				      .detail = (uint16_t)verdict };
	struct pw_reply reply;
	int ret;

	pw_request_set_name(&request, path);
	ret = pw_channel_ask(&request, &reply);
	if (ret == -ECONNREFUSED && can_be_filtered(verdict) &&
	    pw_is_confined()) {
		/* It is under the filter in any case, wherever it is. */
		reply = (struct pw_reply){ .count = 1 };
		ret = 0;
	}
	/* A script of the shell's, most likely, and no line is due. */
	if (verdict == PW_TARGET_FORMAT && (ret < 0 || reply.error))
		return -ENOEXEC;
	permit->is_refused = ret < 0 || reply.error != 0;
	permit->is_filtered = ret == 0 && !reply.error && reply.count == 1;
	permit->is_bare =
		permit->is_filtered &&
		(verdict == PW_TARGET_PRELOAD || verdict == PW_TARGET_CUT_OFF);
	permit->is_optional = verdict == PW_TARGET_AWAY ||
			      verdict == PW_TARGET_CUT_OFF;
	if (permit->is_optional && ret < 0) {
		permit->is_refused = false;
		return 0;
	}
	if (ret == -EMFILE || ret == -ENFILE)
		return ret;
	return ret < 0 ? -EACCES : -reply.error;
}

/**
 * pw_target_allowed() - Judge a program, and have a refusal reported
 * @program: the application's
 * @permit: filled in
 *
 * Return: 0: run it; -errno: it would not be wrapped, and must not run
 * Context: asks the helper, and waits for it, where it says no
 */
int pw_target_allowed(const struct pw_program *program,
		      struct pw_permit *permit)
{
	enum pw_target verdict;

	*permit = (struct pw_permit){ 0 };
	if (!program->path || !pw_readable(program->path, 1))
		return 0; /* the kernel says EFAULT */
	verdict = pw_target_examine(program, permit->runtime);
	if (verdict == PW_TARGET_OK)
		verdict = pw_reach();
	if (verdict == PW_TARGET_OK)
		verdict = judge_place();
	return verdict == PW_TARGET_OK ? 0
				       : refuse(verdict, program->path, permit);
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
