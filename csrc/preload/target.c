/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "target.h"

#include "sys.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#ifndef ST_NOSUID
#define ST_NOSUID 2
#endif

#if defined(__x86_64__)
#define OUR_MACHINE EM_X86_64
static const char *const interpreters[] = { "ld-linux-x86-64.so.2",
					    "ld-musl-x86_64.so.1" };
#elif defined(__aarch64__)
#define OUR_MACHINE EM_AARCH64
static const char *const interpreters[] = { "ld-linux-aarch64.so.1",
					    "ld-musl-aarch64.so.1" };
#endif

enum {
	HEAD_BYTES = 256, /* BINPRM_BUF_SIZE: what the kernel reads of "#!" */
	MAX_HEADERS = 64, /* program headers looked at */
	MAX_NOTES = 4096, /* bytes of notes looked at */
	MAX_SCRIPTS = 5,  /* the kernel's own limit on interpreters */
	GO_BUILD_ID = 4,  /* note type of "Go" */
};

static bool read_at(int fd, void *out, size_t n, uint64_t at)
{
	return pw_sys(SYS_pread64, fd, out, n, at) == (long)n;
}

/*
 * As the kernel decides on AT_SECURE (security/commoncap.c): the ids of the
 * new program differ from the real ones, or it gains capabilities.
 */
static bool is_secure(int fd)
{
	struct vfs_cap_data caps;
	struct statfs fs;
	struct stat st;
	long uid = pw_sys(SYS_getuid), gid = pw_sys(SYS_getgid);
	long new_uid = pw_sys(SYS_geteuid), new_gid = pw_sys(SYS_getegid);
	bool has_caps;

	if (pw_sys(SYS_fstat, fd, &st) < 0)
		return true;
	if (pw_sys(SYS_prctl, PR_GET_NO_NEW_PRIVS) != 1 &&
	    !(pw_sys(SYS_fstatfs, fd, &fs) == 0 && (fs.f_flags & ST_NOSUID))) {
		if (st.st_mode & S_ISUID)
			new_uid = st.st_uid;
		if ((st.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
			new_gid = st.st_gid;
		has_caps = pw_sys(SYS_fgetxattr, fd, "security.capability",
				  &caps, sizeof(caps)) > 0;
		if (has_caps && uid != 0)
			return true;
	}
	return new_uid != uid || new_gid != gid;
}

static bool is_known_interpreter(int fd, const Elf64_Phdr *header)
{
	char path[256] = { 0 };
	const char *name = path;

	if (header->p_filesz >= sizeof(path) ||
	    !read_at(fd, path, header->p_filesz, header->p_offset))
		return false;
	for (const char *at = path; *at; at++)
		if (*at == '/')
			name = at + 1;
	for (size_t i = 0; i < sizeof(interpreters) / sizeof(interpreters[0]);
	     i++)
		if (strcmp(name, interpreters[i]) == 0)
			return true;
	return false;
}

static bool has_go_note(int fd, const Elf64_Phdr *header)
{
	uint64_t end = header->p_filesz < MAX_NOTES ? header->p_filesz
						    : MAX_NOTES;
	Elf64_Nhdr note;
	char name[4];

	for (uint64_t at = 0; at + sizeof(note) + sizeof(name) <= end;) {
		if (!read_at(fd, &note, sizeof(note), header->p_offset + at) ||
		    !read_at(fd, name, sizeof(name),
			     header->p_offset + at + sizeof(note)))
			return false;
		if (note.n_type == GO_BUILD_ID && note.n_namesz == 4 &&
		    memcmp(name, "Go\0", 4) == 0)
			return true;
		at += sizeof(note) + ((note.n_namesz + 3ULL) & ~3ULL) +
		      ((note.n_descsz + 3ULL) & ~3ULL);
	}
	return false;
}

static enum pw_target judge_elf(int fd, const Elf64_Ehdr *elf)
{
	enum pw_target verdict = PW_TARGET_STATIC;

	if (elf->e_ident[EI_CLASS] != ELFCLASS64 ||
	    elf->e_machine != OUR_MACHINE)
		return PW_TARGET_FOREIGN;
	if (elf->e_phentsize != sizeof(Elf64_Phdr) ||
	    elf->e_phnum > MAX_HEADERS)
		return PW_TARGET_UNREADABLE;
	for (unsigned int i = 0; i < elf->e_phnum; i++) {
		Elf64_Phdr header;

		if (!read_at(fd, &header, sizeof(header),
			     elf->e_phoff + i * sizeof(header)))
			return PW_TARGET_UNREADABLE;
		if (header.p_type == PT_NOTE && has_go_note(fd, &header))
			return PW_TARGET_GO;
		if (header.p_type == PT_INTERP)
			verdict = is_known_interpreter(fd, &header)
					  ? PW_TARGET_OK
					  : PW_TARGET_LIBC;
	}
	if (verdict == PW_TARGET_OK && is_secure(fd))
		return PW_TARGET_SECURE;
	return verdict;
}

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
		      enum pw_target *verdict)
{
	long n = pw_sys(SYS_pread64, fd, head, HEAD_BYTES, 0);
	const char *interpreter;
	Elf64_Ehdr elf;

	*verdict = PW_TARGET_OK; /* whatever it is, the kernel has an error for
				    it */
	if (n >= (long)sizeof(elf) && memcmp(head, ELFMAG, SELFMAG) == 0) {
		memcpy(&elf, head, sizeof(elf));
		*verdict = judge_elf(fd, &elf);
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

/**
 * pw_target_judge() - Look into a program that is about to be executed
 * @dir: directory of a relative @path, or AT_FDCWD
 * @path: as for execveat(2)
 * @flags: AT_EMPTY_PATH: @dir is the program itself
 *
 * The interpreter of a script is judged in its place, as often as the kernel
 * would follow it.
 *
 * Return: PW_TARGET_OK also where the kernel will fail by itself
 * Context: async-signal-safe; opens and closes descriptors
 */
enum pw_target pw_target_judge(int dir, const char *path, int flags)
{
	char head[HEAD_BYTES];
	enum pw_target verdict = PW_TARGET_OK;

	for (int depth = 0; depth <= MAX_SCRIPTS; depth++) {
		struct stat st;
		int fd, more;

		if (depth == 0 && (flags & AT_EMPTY_PATH) && !*path) {
			char link[32] = "/proc/self/fd/";
			size_t at = strlen(link);

			for (int scale = 1000000; scale; scale /= 10)
				if (dir >= scale || scale == 1)
					link[at++] =
						(char)('0' + dir / scale % 10);
			link[at] = '\0';
			fd = (int)pw_sys(SYS_openat, AT_FDCWD, link,
					 O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		} else {
			fd = (int)pw_sys(SYS_openat, dir, path,
					 O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		}
		if (fd == -EACCES &&
		    pw_sys(SYS_faccessat2, dir, path, 1, AT_EACCESS) == 0)
			return PW_TARGET_UNREADABLE;
		if (fd < 0)
			return PW_TARGET_OK;
		more = 0;
		if (pw_sys(SYS_fstat, fd, &st) == 0 &&
		    (st.st_mode & S_IFMT) == S_IFREG)
			more = judge_file(fd, head, &verdict);
		pw_sys(SYS_close, fd);
		if (!more)
			return verdict;
		dir = AT_FDCWD;
		path = head;
	}
	return PW_TARGET_OK; /* ELOOP is the kernel's to say */
}
