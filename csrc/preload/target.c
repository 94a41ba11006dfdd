/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "target.h"

#include "image.h"
#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

enum {
	HEAD_BYTES = 256, /* BINPRM_BUF_SIZE: what the kernel reads of "#!" */
	MAX_SCRIPTS = 5,  /* the kernel's own limit on interpreters */
};

/* The interpreter of a "#!" line, cut out in place; NULL for none. */
static const char *script_interpreter(char head[static HEAD_BYTES], long n)
{
	char *start, *end;

	head[n < HEAD_BYTES ? n : HEAD_BYTES - 1] = '\0';
	for (start = head + 2; *start == ' ' || *start == '\t'; start++)
		;
	for (end = start; *end && *end != ' ' && *end != '\t' && *end != '\n';
	     end++)
		;
	*end = '\0';
	return *start ? start : NULL;
}

/*
 * Return: 1 with the interpreter at the start of @head; else 0 with @verdict
 */
static int judge_file(int fd, char head[static HEAD_BYTES],
		      enum pw_target *verdict,
		      char runtime[static PW_RUNTIME_BYTES])
{
	long n = pw_sys(SYS_pread64, fd, head, HEAD_BYTES, 0);
	const char *interpreter;
	Elf64_Ehdr elf;

	*verdict = n < 0 ? PW_TARGET_UNREADABLE : PW_TARGET_OK;
	if (n >= (long)sizeof(elf) && memcmp(head, ELFMAG, SELFMAG) == 0) {
		memcpy(&elf, head, sizeof(elf));
		*verdict = pw_image_judge(fd, &elf, runtime);
		return 0;
	}
	if (n >= 2 && head[0] == '#' && head[1] == '!') {
		interpreter = script_interpreter(head, n);
		if (interpreter)
			memmove(head, interpreter, strlen(interpreter) + 1);
		return interpreter != NULL;
	}
	if (n > 0)
		*verdict = PW_TARGET_FORMAT;
	return 0;
}

/* The file that a descriptor stands for, opened anew, or itself. */
static int open_descriptor(int fd)
{
	char link[32] = "/proc/self/fd/";
	size_t at = strlen(link);
	int again;

	for (int scale = 1000000000; scale; scale /= 10)
		if (fd >= scale || scale == 1)
			link[at++] = (char)('0' + fd / scale % 10);
	link[at] = '\0';
	again = (int)pw_sys(SYS_openat, AT_FDCWD, link,
			    O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	/* Without /proc a copy does, but for one of O_PATH. */
	if (again == -ENOENT)
		again = (int)pw_sys(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 0);
	return again;
}

static int open_target(int dir, const char *path, int flags)
{
	int fd;

	if ((flags & AT_EMPTY_PATH) && !*path && dir >= 0)
		return open_descriptor(dir);
	do
		fd = (int)pw_sys(SYS_openat, dir, path,
				 O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	while (fd == -EINTR);
	return fd;
}

/* What cannot be opened: whether exec will fail for the same reason. */
static enum pw_target judge_unopened(int error, int dir, const char *path,
				     int flags)
{
	switch (error) {
	case -EACCES:
		return pw_sys(SYS_faccessat2, dir, path, 1,
			      AT_EACCESS | (flags & AT_EMPTY_PATH)) == 0
			       ? PW_TARGET_UNREADABLE
			       : PW_TARGET_OK;
	case -ENOENT:
	case -ENOTDIR:
	case -ELOOP:
	case -ENAMETOOLONG:
	case -EFAULT:
	case -EBADF:
	case -ENXIO: /* a socket, or a device that is not there */
	case -ENODEV:
		return PW_TARGET_OK;
	default:
		return PW_TARGET_UNREADABLE;
	}
}

static bool is_regular(int fd)
{
	struct stat st;

	return pw_sys(SYS_fstat, fd, &st) == 0 &&
	       (st.st_mode & S_IFMT) == S_IFREG;
}

/**
 * pw_target_examine() - Look into a program that is about to be executed
 * @dir: directory of a relative @path, or AT_FDCWD
 * @path: as for execveat(2)
 * @flags: AT_EMPTY_PATH: @dir is the program itself
 * @runtime: set to the name of a library that must stand before ours in
 *	LD_PRELOAD, or ""
 *
 * The interpreter of a script is judged in its place, as often as the kernel
 * would follow it.
 *
 * Return: PW_TARGET_OK also where the kernel will fail by itself
 * Context: async-signal-safe; opens and closes descriptors
 */
enum pw_target pw_target_examine(int dir, const char *path, int flags,
				 char runtime[static PW_RUNTIME_BYTES])
{
	char head[HEAD_BYTES];
	enum pw_target verdict = PW_TARGET_OK;

	*runtime = '\0';
	for (int depth = 0; depth <= MAX_SCRIPTS; depth++) {
		int more = 0, fd = open_target(dir, path, flags);

		if (fd < 0)
			return judge_unopened(fd, dir, path, flags);
		if (is_regular(fd))
			more = judge_file(fd, head, &verdict, runtime);
		pw_sys(SYS_close, fd);
		if (!more)
			return verdict;
		dir = AT_FDCWD;
		path = head;
		flags = 0;
	}
	return PW_TARGET_OK; /* ELOOP is the kernel's to say */
}

/* The same for those who do not care for the runtime. */
enum pw_target pw_target_judge(int dir, const char *path, int flags)
{
	char runtime[PW_RUNTIME_BYTES];

	return pw_target_examine(dir, path, flags, runtime);
}
