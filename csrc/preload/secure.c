/* SPDX-License-Identifier: MIT */
/**
 * DOC: AT_SECURE, decided as the kernel does
 *
 * bprm_fill_uid() of fs/exec.c gives a program the ids that its file asks for,
 * unless the mount is nosuid, no_new_privs is set, or the user namespace has
 * no number for the file's owner and group. cap_bprm_creds_from_file() of
 * security/commoncap.c then sets AT_SECURE where
 *
 *	- an effective id differs from the real one of before, or changes; or
 *	- the real user is not root, and the file's capabilities are to be
 *	  effective at once or leave the program some that are not ambient.
 *
 * no_new_privs keeps the file's capabilities from adding any, but not from
 * setting AT_SECURE. What cannot be told from inside (a mount that belongs to
 * another namespace, a tracer who may not see capabilities gained) counts as
 * what is refused.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "secure.h"

#include "sys.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#ifndef ST_NOSUID
#define ST_NOSUID 2
#endif

enum {
	CAPS = 64,	   /* a set has so many bits */
	MAX_GROUPS = 1024, /* of a process, that are looked at */
	SETGID_EXECUTABLE = S_ISGID | S_IXGRP,
};

struct ids {
	long uid, gid, euid, egid;
};

static struct ids own_ids(void)
{
	return (struct ids){
		.uid = pw_sys(SYS_getuid),
		.gid = pw_sys(SYS_getgid),
		.euid = pw_sys(SYS_geteuid),
		.egid = pw_sys(SYS_getegid),
	};
}

static bool is_nosuid(int fd)
{
	struct statfs fs;

	return pw_sys(SYS_fstatfs, fd, &fs) == 0 && (fs.f_flags & ST_NOSUID);
}

static bool has_no_new_privs(void)
{
	return pw_sys(SYS_prctl, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
}

/* A file that is read a little at a time. */
struct text {
	int fd;
	long n, at;
	char piece[64];
};

/* The next character; NUL at the end, and where it cannot be read. */
static char peek(struct text *text)
{
	if (text->at >= text->n) {
		text->n = pw_sys(SYS_read, text->fd, text->piece,
				 sizeof(text->piece));
		text->at = 0;
	}
	return text->n > 0 ? text->piece[text->at] : '\0';
}

static uint64_t number(struct text *text)
{
	uint64_t n = 0;

	while (peek(text) == ' ')
		text->at++;
	for (char c = peek(text); c >= '0' && c <= '9'; c = peek(text)) {
		n = n * 10 + (uint64_t)(c - '0');
		text->at++;
	}
	return n;
}

/*
 * What a map of /proc says of @id: whether it has it. In the initial namespace
 * it has all. Without a map it counts as one that has it.
 */
static bool is_mapped(const char *map, uint64_t id)
{
	struct text text = { .n = 0 };
	bool found = false;

	text.fd = (int)pw_sys(SYS_openat, AT_FDCWD, map, O_RDONLY | O_CLOEXEC);
	if (text.fd < 0)
		return true;
	while (!found && peek(&text)) {
		uint64_t inside = number(&text), count;

		number(&text);
		count = number(&text);
		found = id >= inside && id - inside < count;
		if (peek(&text) != '\n')
			break;
		text.at++;
	}
	found |= text.n < 0;
	pw_sys(SYS_close, text.fd);
	return found;
}

/* The ids that the program will have, as far as its file changes them. */
static void take_file_ids(int fd, const struct stat *st, struct ids *ids)
{
	bool has_setgid = (st->st_mode & SETGID_EXECUTABLE) ==
			  SETGID_EXECUTABLE;

	if (!(st->st_mode & S_ISUID) && !has_setgid)
		return;
	if (has_no_new_privs() || is_nosuid(fd))
		return;
	if (!is_mapped("/proc/self/uid_map", st->st_uid) ||
	    !is_mapped("/proc/self/gid_map", st->st_gid))
		return;
	if (st->st_mode & S_ISUID)
		ids->euid = st->st_uid;
	if (has_setgid)
		ids->egid = st->st_gid;
}

/* Whether one of the process's groups, the effective one among them. */
static bool is_in_group(long gid)
{
	gid_t few[64], *groups = few;
	bool is_in = false;
	long n, map = 0;

	if (gid == pw_sys(SYS_getegid))
		return true;
	n = pw_sys(SYS_getgroups, 0, NULL);
	if (n <= 0 || n > MAX_GROUPS)
		return false;
	/* Not on the stack, of which there may be little. */
	if ((size_t)n > sizeof(few) / sizeof(few[0])) {
		map = pw_sys(SYS_mmap, 0, MAX_GROUPS * sizeof(*groups),
			     PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (map < 0 && map > -4096)
			return false;
		groups = (gid_t *)map;
	}
	n = pw_sys(SYS_getgroups, n, groups);
	for (long i = 0; i < n; i++)
		is_in |= (long)groups[i] == gid;
	if (map)
		pw_sys(SYS_munmap, map, MAX_GROUPS * sizeof(*groups));
	return is_in;
}

/* Linux 6.16 and later count a changed id that becomes the real one, too. */
static bool changes_ids(const struct ids *now, const struct ids *then)
{
	return then->euid != now->uid || then->egid != now->gid ||
	       then->euid != now->euid || !is_in_group(then->egid);
}

static uint64_t bounding_set(void)
{
	uint64_t set = 0;

	for (unsigned long cap = 0; cap < CAPS; cap++)
		if (pw_sys(SYS_prctl, PR_CAPBSET_READ, cap, 0, 0, 0) == 1)
			set |= 1ULL << cap;
	return set;
}

/* Whether the namespace root of version 3 is not ours, nor above ours. */
static bool is_of_another_namespace(const struct vfs_ns_cap_data *caps)
{
	/* In a namespace that maps little, the number tells nothing. */
	return caps->rootid != 0 &&
	       is_mapped("/proc/self/uid_map", (1ULL << 32) - 2);
}

/*
 * struct vfs_ns_cap_data is the longest form; the shorter ones are its head.
 * Return: what was read, or 0 where the file's capabilities do not count
 */
static long read_caps(int fd, struct vfs_ns_cap_data *caps)
{
	long n;

	memset(caps, 0, sizeof(*caps));
	n = pw_sys(SYS_fgetxattr, fd, "security.capability", caps,
		   sizeof(*caps));
	if (n <= 0 || is_nosuid(fd))
		return 0;
	if ((caps->magic_etc & VFS_CAP_REVISION_MASK) == VFS_CAP_REVISION_3 &&
	    is_of_another_namespace(caps))
		return 0;
	return n;
}

static uint64_t both_words(uint32_t low, uint32_t high)
{
	return low | (uint64_t)high << 32;
}

/* Whether capabilities of the file make it secure, for a user not root. */
static bool gains_caps(int fd)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct own[2] = { 0 };
	struct vfs_ns_cap_data caps;
	uint64_t permitted, forced, inheritable;

	if (read_caps(fd, &caps) == 0)
		return false;
	pw_sys(SYS_capget, &head, own);
	forced = both_words(caps.data[0].permitted, caps.data[1].permitted);
	inheritable =
		both_words(caps.data[0].inheritable, caps.data[1].inheritable);
	permitted = (forced & bounding_set()) |
		    (inheritable &
		     both_words(own[0].inheritable, own[1].inheritable));
	if (caps.magic_etc & VFS_CAP_FLAGS_EFFECTIVE)
		return !(forced & ~permitted); /* else EPERM is due */
	if (has_no_new_privs())
		permitted &= both_words(own[0].permitted, own[1].permitted);
	return permitted != 0;
}

/**
 * pw_is_secure() - Whether AT_SECURE will be set
 * @fd: the program, open for reading
 *
 * Context: async-signal-safe; opens and closes descriptors
 */
bool pw_is_secure(int fd)
{
	struct ids now = own_ids(), then = now;
	struct stat st;

	if (pw_sys(SYS_fstat, fd, &st) < 0)
		return true;
	take_file_ids(fd, &st, &then);
	if (changes_ids(&now, &then))
		return true;
	return now.uid != 0 && gains_caps(fd);
}
