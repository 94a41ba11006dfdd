/* SPDX-License-Identifier: MIT */
/**
 * DOC: Limits of memory
 *
 * musl's loader goes on without an object that it cannot map. By then the
 * kernel has mapped the program and the loader, and made the stack. How much
 * the loader and the arguments take is not known here, so what must be left
 * beside the program is generous.
 *
 * glibc needs no such look. Its ld.so maps libc after us, which is larger than
 * we are, and ends where it cannot.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "limits.h"

#include "sys.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

enum {
	ROUNDING = 2 << 16,    /* of a segment, both ends, to pages of 64 KiB */
	DATA_ROOM = 1 << 20,   /* writable: ours, and what the loader has */
	SPACE_ROOM = 16 << 20, /* all of it, and arguments of up to 6 MiB */
};

struct size {
	uint64_t data, space;
};

static void add(uint64_t *sum, uint64_t bytes)
{
	if (__builtin_add_overflow(*sum, bytes, sum) ||
	    __builtin_add_overflow(*sum, ROUNDING, sum))
		*sum = UINT64_MAX;
}

/* What the kernel maps of a program; false where it cannot be read. */
static bool measure(int fd, const Elf64_Ehdr *elf, struct size *size)
{
	for (unsigned int i = 0; i < elf->e_phnum; i++) {
		Elf64_Phdr header;

		if (pw_sys(SYS_pread64, fd, &header, sizeof(header),
			   elf->e_phoff + i * sizeof(header)) !=
		    (long)sizeof(header))
			return false;
		if (header.p_type != PT_LOAD)
			continue;
		add(&size->space, header.p_memsz);
		if (header.p_flags & PF_W)
			add(&size->data, header.p_memsz);
	}
	return true;
}

static bool is_within(int kind, uint64_t used, uint64_t room)
{
	struct rlimit limit;

	if (pw_sys(SYS_prlimit64, 0, kind, NULL, &limit) < 0)
		return false;
	return limit.rlim_cur == RLIM_INFINITY ||
	       (limit.rlim_cur >= room && limit.rlim_cur - room >= used);
}

/**
 * pw_leaves_room() - Whether musl's loader can map us into a program
 * @fd: the program, open for reading
 * @elf: its head, with headers of the size that ours have
 *
 * Return: false in doubt
 * Context: async-signal-safe
 */
bool pw_leaves_room(int fd, const Elf64_Ehdr *elf)
{
	struct size size = { 0 };

	return measure(fd, elf, &size) &&
	       is_within(RLIMIT_DATA, size.data, DATA_ROOM) &&
	       is_within(RLIMIT_AS, size.space, SPACE_ROOM);
}
