/* SPDX-License-Identifier: MIT */
/**
 * DOC: Reach
 *
 * ld.so goes on without an object that it cannot open or map, and loads
 * whatever lies at the path. So it is tried here first, in the same root and
 * with what the program will be allowed: exec takes capabilities from all but
 * root, those that open any file among them.
 */
#include "reach.h"

#include "channel.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>

struct caps {
	struct __user_cap_header_struct head;
	struct __user_cap_data_struct sets[2];
};

/* Those that open what the mode of a file forbids. */
static const int openers[] = { CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH };

static bool keeps_caps(void)
{
	return pw_sys(SYS_geteuid) == 0 &&
	       !(pw_sys(SYS_prctl, PR_GET_SECUREBITS, 0, 0, 0, 0) &
		 SECBIT_NOROOT);
}

/* Lay down what exec will take; returns false where that is nothing. */
static bool lower(struct caps *own)
{
	struct caps lowered;
	uint32_t lost = 0;

	if (keeps_caps())
		return false;
	own->head = (struct __user_cap_header_struct){
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	if (pw_sys(SYS_capget, &own->head, own->sets) < 0)
		return false;
	for (size_t i = 0; i < sizeof(openers) / sizeof(openers[0]); i++)
		if (pw_sys(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET,
			   openers[i], 0, 0) != 1)
			lost |= 1U << openers[i];
	lost &= own->sets[0].effective;
	if (!lost)
		return false;
	lowered = *own;
	lowered.sets[0].effective &= ~lost;
	return pw_sys(SYS_capset, &lowered.head, lowered.sets) == 0;
}

static enum pw_target judge_error(long error)
{
	return error == -ENOMEM ? PW_TARGET_MEMORY : PW_TARGET_PRELOAD;
}

static enum pw_target try_to_load(const struct pw_channel *ch)
{
	long fd =
		pw_sys(SYS_openat, AT_FDCWD, ch->preload, O_RDONLY | O_CLOEXEC);
	struct stat st;
	bool is_same;
	long map;

	if (fd < 0)
		return judge_error(fd);
	is_same = pw_sys(SYS_fstat, fd, &st) == 0 && st.st_ino == ch->ino &&
		  st.st_dev == ch->dev;
	/* Not where the file system is mounted noexec. */
	map = pw_sys(SYS_mmap, 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd,
		     0);
	pw_sys(SYS_close, fd);
	if (map < 0 && map > -4096)
		return judge_error(map);
	pw_sys(SYS_munmap, map, 4096);
	return is_same ? PW_TARGET_OK : PW_TARGET_PRELOAD;
}

/**
 * pw_reach() - Whether a program executed now will have us
 *
 * Return: PW_TARGET_OK; or what keeps it from that, _PRELOAD or _MEMORY
 * Context: async-signal-safe; opens and closes a descriptor
 */
enum pw_target pw_reach(void)
{
	struct caps own;
	bool is_lowered = lower(&own);
	enum pw_target ret = try_to_load(pw_channel());

	if (is_lowered)
		pw_sys(SYS_capset, &own.head, own.sets);
	return ret;
}
