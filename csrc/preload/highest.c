/* SPDX-License-Identifier: MIT */
#include "highest.h"

#include "fdtable.h"

#include <fcntl.h>

struct entry { /* struct linux_dirent64 */
	uint64_t ino;
	int64_t off;
	uint16_t bytes;
	uint8_t type;
	char name[];
};

/**
 * pw_highest_fd() - The highest number of a descriptor that is not ours
 *
 * Return: -1 where there is no telling
 */
int pw_highest_fd(void)
{
	_Alignas(struct entry) char buf[512];
	long dir = pw_sys(SYS_openat, AT_FDCWD, "/proc/self/fd",
			  O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int highest = -1;
	long n;

	if (dir < 0)
		return -1;
	while ((n = pw_sys(SYS_getdents64, dir, buf, sizeof(buf))) > 0)
		for (long at = 0; at < n;) {
			const struct entry *entry =
				(const struct entry *)(buf + at);
			int fd = 0;

			for (const char *c = entry->name;
			     *c >= '0' && *c <= '9'; c++)
				fd = fd * 10 + (*c - '0');
			if (fd > highest && fd != dir &&
			    pw_slot(fd) != PW_SLOT_CTL)
				highest = fd;
			at += entry->bytes;
		}
	pw_sys(SYS_close, dir);
	return highest;
}
