/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "target.h"

#include "image.h"
#include "limits.h"
#include "loader.h"
#include "secure.h"
#include "shim.h"

#include <fcntl.h>
#include <sys/stat.h>

enum {
	HEAD_BYTES = 256, /* BINPRM_BUF_SIZE: what the kernel reads of "#!" */
	MAX_SCRIPTS = 5,  /* the kernel's own limit on interpreters */
};

/* Read the interpreter of a "#!" line; false for none. */
static bool read_script(int fd, char head[static HEAD_BYTES])
{
	long n = pw_sys(SYS_pread64, fd, head, HEAD_BYTES, 0);
	char *start, *end;

	if (n < 2)
		return false;
	head[n < HEAD_BYTES ? n : HEAD_BYTES - 1] = '\0';
	for (start = head + 2; *start == ' ' || *start == '\t'; start++)
		;
	for (end = start; *end && *end != ' ' && *end != '\t' && *end != '\n';
	     end++)
		;
	memmove(head, start, (size_t)(end - start));
	head[end - start] = '\0';
	return *head;
}

PW_APART static bool is_regular(int fd)
{
	struct stat st;

	return pw_sys(SYS_fstat, fd, &st) == 0 &&
	       (st.st_mode & S_IFMT) == S_IFREG;
}

/*
 * musl's loader skips what it cannot map. How much a runtime takes that it maps
 * before us is not known, but no such runtime starts under a small limit.
 */
static enum pw_target judge_room(int fd, const Elf64_Ehdr *elf,
				 enum pw_libc_kind kind)
{
	return kind == PW_LIBC_MUSL && !pw_leaves_room(fd, elf)
		       ? PW_TARGET_MEMORY
		       : PW_TARGET_OK;
}

/* What a loader will map, and run; it fails by itself where it cannot. */
static enum pw_target judge_loaded(int fd, enum pw_libc_kind kind,
				   char runtime[static PW_RUNTIME_BYTES])
{
	enum pw_target verdict = PW_TARGET_OK;
	Elf64_Ehdr elf;
	long n;

	if (!is_regular(fd))
		return PW_TARGET_LOADER;
	n = pw_sys(SYS_pread64, fd, &elf, sizeof(elf), 0);
	if (n == (long)sizeof(elf) && memcmp(elf.e_ident, ELFMAG, SELFMAG) == 0)
		verdict = pw_image_judge(fd, &elf, runtime);
	if (n < 0 || verdict != PW_TARGET_OK)
		return PW_TARGET_LOADER;
	return n == (long)sizeof(elf) ? judge_room(fd, &elf, kind)
				      : PW_TARGET_OK;
}

/*
 * A static program, for it has no interpreter: it may be the loader, and then
 * what counts is what that will run.
 */
PW_APART static enum pw_target
judge_static(int fd, const struct pw_program *program,
	     char runtime[static PW_RUNTIME_BYTES])
{
	enum pw_libc_kind kind = pw_loader_kind(fd);
	enum pw_target verdict;
	const char *path;

	if (kind == PW_LIBC_UNKNOWN)
		return PW_TARGET_STATIC;
	switch (pw_loader_read(kind, program->argv, program->envp, &path)) {
	case PW_LOADING_NOTHING:
		return PW_TARGET_OK;
	case PW_LOADING_UNKNOWN:
		return PW_TARGET_LOADER;
	case PW_LOADING_PROGRAM:
		break;
	}
	fd = (int)pw_sys(SYS_openat, program->cwd, path,
			 O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd == -ENOENT || fd == -ENOTDIR || fd == -EACCES)
		return PW_TARGET_OK;
	if (fd < 0)
		return PW_TARGET_LOADER;
	verdict = judge_loaded(fd, kind, runtime);
	pw_sys(SYS_close, fd);
	return verdict;
}

/* A filter keeps a program from the privileges that it would gain. */
static bool might_run(enum pw_target verdict)
{
	return verdict == PW_TARGET_OK || verdict == PW_TARGET_STATIC ||
	       verdict == PW_TARGET_GO || verdict == PW_TARGET_LIBC ||
	       verdict == PW_TARGET_MEMORY;
}

PW_APART static enum pw_libc_kind libc_of(int fd)
{
	char path[PW_INTERPRETER_BYTES];

	return pw_image_interpreter(fd, path) ? pw_image_libc(path)
					      : PW_LIBC_UNKNOWN;
}

/* Return whether it is a script; else there is a @verdict. */
static bool judge_file(int fd, const struct pw_program *program,
		       enum pw_target *verdict,
		       char runtime[static PW_RUNTIME_BYTES])
{
	Elf64_Ehdr elf;
	long n = pw_sys(SYS_pread64, fd, &elf, sizeof(elf), 0);

	*verdict = n < 0 ? PW_TARGET_UNREADABLE : PW_TARGET_OK;
	if (n == (long)sizeof(elf) && memcmp(&elf, ELFMAG, SELFMAG) == 0) {
		*verdict = pw_image_judge(fd, &elf, runtime);
		if (*verdict == PW_TARGET_STATIC)
			*verdict = judge_static(fd, program, runtime);
		else if (*verdict == PW_TARGET_OK)
			*verdict = judge_room(fd, &elf, libc_of(fd));
		if (might_run(*verdict) && pw_is_secure(fd))
			*verdict = PW_TARGET_SECURE;
		return false;
	}
	if (n >= 2 && memcmp(&elf, "#!", 2) == 0)
		return true;
	if (n > 0)
		*verdict = PW_TARGET_FORMAT;
	return false;
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

/*
 * Return whether it is a script, whose interpreter is put in @head, if that is
 * given; else there is a @verdict.
 */
static bool examine_file(const struct pw_program *program, char *head,
			 enum pw_target *verdict,
			 char runtime[static PW_RUNTIME_BYTES])
{
	int dir = program->dir, flags = program->flags;
	int fd = open_target(dir, program->path, flags);
	bool is_script;

	*verdict = PW_TARGET_OK;
	if (fd < 0) {
		*verdict = judge_unopened(fd, dir, program->path, flags);
		return false;
	}
	is_script = is_regular(fd) && judge_file(fd, program, verdict, runtime);
	if (is_script && head)
		is_script = read_script(fd, head);
	pw_sys(SYS_close, fd);
	return is_script;
}

/* The interpreter in its place, as often as the kernel would follow it. */
PW_APART static enum pw_target
examine_script(const struct pw_program *script,
	       char runtime[static PW_RUNTIME_BYTES])
{
	struct pw_program program = *script;
	enum pw_target verdict;
	char head[HEAD_BYTES];

	for (int depth = 0; depth <= MAX_SCRIPTS; depth++) {
		if (!examine_file(&program, head, &verdict, runtime))
			return verdict;
		/* Of its arguments nothing is known. */
		program = (struct pw_program){ .dir = AT_FDCWD, .path = head };
	}
	return PW_TARGET_OK; /* ELOOP is the kernel's to say */
}

/**
 * pw_target_examine() - Look into a program that is about to be executed
 * @runtime: set to the name of a library that must stand before ours in
 *	LD_PRELOAD, or ""
 *
 * Return: PW_TARGET_OK also where the kernel will fail by itself
 * Context: async-signal-safe; opens and closes descriptors
 */
enum pw_target pw_target_examine(const struct pw_program *program,
				 char runtime[static PW_RUNTIME_BYTES])
{
	enum pw_target verdict;

	*runtime = '\0';
	return examine_file(program, NULL, &verdict, runtime)
		       ? examine_script(program, runtime)
		       : verdict;
}

/* The same for those who know of neither arguments nor environment. */
enum pw_target pw_target_judge(int dir, const char *path, int flags)
{
	struct pw_program program = {
		.dir = dir, .path = path, .flags = flags, .cwd = AT_FDCWD
	};
	char runtime[PW_RUNTIME_BYTES];

	return pw_target_examine(&program, runtime);
}
