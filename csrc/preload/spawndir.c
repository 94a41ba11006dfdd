/* SPDX-License-Identifier: MIT */
#include "spawndir.h"

#include "guard.h"

#include <fcntl.h>
#include <sys/mman.h>

enum {
	NOTE_BYTES = 8192, /* a path of 4096 bytes and the head before it */
};

/* One action, on memory of its own: libc keeps no more of it either. */
struct note {
	struct note *next;
	const void *actions;
	int fd; /* -1: path tells */
	char path[];
};

static struct note *first; /* in the order they were added */

/**
 * pw_spawndir_note() - Remember an action that changes the directory
 * @actions: the application's object
 * @path: copied; NULL for one by @fd
 *
 * Return: 0, -ENOMEM or -ENAMETOOLONG
 */
int pw_spawndir_note(const void *actions, const char *path, int fd)
{
	size_t n = path ? strlen(path) + 1 : 0;
	struct note **at = &first, *note;
	PW_GUARD guard = { 0 };
	long map;

	if (n > NOTE_BYTES - sizeof(*note))
		return -ENAMETOOLONG;
	map = pw_sys(SYS_mmap, 0, NOTE_BYTES, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map < 0 && map > -4096)
		return -ENOMEM;
	note = (struct note *)map;
	note->actions = actions;
	note->fd = path ? -1 : fd;
	if (path)
		memcpy(note->path, path, n);
	if (!pw_guard_enter(&guard)) {
		pw_sys(SYS_munmap, map, NOTE_BYTES);
		return -ENOMEM;
	}
	while (*at)
		at = &(*at)->next;
	*at = note;
	return 0;
}

/* Forget all that was noted of an object, which ends or begins anew. */
void pw_spawndir_forget(const void *actions)
{
	struct note **at = &first;
	PW_GUARD guard = { 0 };

	if (pw_likely(!first) || !pw_guard_enter(&guard))
		return;
	while (*at) {
		struct note *note = *at;

		if (note->actions != actions) {
			at = &note->next;
			continue;
		}
		*at = note->next;
		pw_sys(SYS_munmap, note, NOTE_BYTES);
	}
}

static int enter(int dir, const struct note *note)
{
	const int flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
	long fd = note->fd >= 0 ? pw_sys(SYS_openat, note->fd, ".", flags)
				: pw_sys(SYS_openat, dir, note->path, flags);

	if (dir >= 0)
		pw_sys(SYS_close, dir);
	/* An earlier action may open it; nobody can look there beforehand. */
	return note->fd >= 0 && fd < 0 ? -EACCES : (int)fd;
}

/**
 * pw_spawndir_open() - The directory in which the program will be looked for
 * @actions: the application's, or NULL
 *
 * Return: AT_FDCWD, a descriptor to be closed, or another negative errno
 */
int pw_spawndir_open(const void *actions)
{
	int dir = AT_FDCWD;

	if (pw_likely(!first) || !actions)
		return dir;
	for (const struct note *note = first; note; note = note->next) {
		if (note->actions != actions)
			continue;
		dir = enter(dir, note);
		if (dir < 0)
			break;
	}
	return dir;
}
