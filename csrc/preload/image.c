/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "image.h"

#include "sys.h"

#include <string.h>

#if defined(__x86_64__)
#define OUR_MACHINE EM_X86_64
static const char glibc[] = "ld-linux-x86-64.so.2";
static const char musl[] = "ld-musl-x86_64.so.1";
#elif defined(__aarch64__)
#define OUR_MACHINE EM_AARCH64
static const char glibc[] = "ld-linux-aarch64.so.1";
static const char musl[] = "ld-musl-aarch64.so.1";
#endif

enum {
	MAX_HEADERS = 64,    /* program headers looked at */
	MAX_NOTES = 4096,    /* bytes of notes looked at */
	MAX_NAMES = 1 << 16, /* bytes of section names looked at */
	MAX_ENTRIES = 256,   /* of the dynamic section */
	BLOCK_BYTES = 256,
	GO_BUILD_ID = 4, /* note type of "Go" */
};

static const char go_section[] = ".go.buildinfo";

static bool read_at(int fd, void *out, size_t n, uint64_t at)
{
	return pw_sys(SYS_pread64, fd, out, n, at) == (long)n;
}

/* The C library that an interpreter, by its path, belongs to. */
enum pw_libc_kind pw_image_libc(const char *interpreter)
{
	const char *name = interpreter;

	for (const char *at = interpreter; *at; at++)
		if (*at == '/')
			name = at + 1;
	if (strcmp(name, glibc) == 0)
		return PW_LIBC_GLIBC;
	return strcmp(name, musl) == 0 ? PW_LIBC_MUSL : PW_LIBC_UNKNOWN;
}

/* Read the path that a PT_INTERP has; false where there is no telling. */
static bool read_interpreter(int fd, const Elf64_Phdr *header,
			     char path[static PW_INTERPRETER_BYTES])
{
	size_t n = header->p_filesz;

	if (n >= PW_INTERPRETER_BYTES ||
	    !read_at(fd, path, n, header->p_offset))
		return false;
	path[n] = '\0';
	return true;
}

/* The interpreter's path, of any file; false where it has none. */
bool pw_image_interpreter(int fd, char path[static PW_INTERPRETER_BYTES])
{
	Elf64_Phdr header;
	Elf64_Ehdr elf;

	if (!read_at(fd, &elf, sizeof(elf), 0) ||
	    memcmp(elf.e_ident, ELFMAG, SELFMAG) != 0)
		return false;
	for (unsigned int i = 0; i < elf.e_phnum && i < MAX_HEADERS; i++)
		if (read_at(fd, &header, sizeof(header),
			    elf.e_phoff + i * sizeof(header)) &&
		    header.p_type == PT_INTERP)
			return read_interpreter(fd, &header, path);
	return false;
}

static bool has_known_interpreter(int fd, const Elf64_Phdr *header)
{
	char path[PW_INTERPRETER_BYTES];

	return read_interpreter(fd, header, path) &&
	       pw_image_libc(path) != PW_LIBC_UNKNOWN;
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

/* A Go program whose build id was left out still names this section. */
static bool has_go_section(int fd, const Elf64_Ehdr *elf)
{
	const size_t length = sizeof(go_section) - 1;
	char block[BLOCK_BYTES];
	Elf64_Shdr names;

	if (elf->e_shentsize != sizeof(names) || elf->e_shoff == 0 ||
	    !read_at(fd, &names, sizeof(names),
		     elf->e_shoff + elf->e_shstrndx * sizeof(names)) ||
	    names.sh_size > MAX_NAMES)
		return false;
	for (uint64_t at = 0; at < names.sh_size;
	     at += sizeof(block) - length) {
		uint64_t left = names.sh_size - at;
		size_t n = left < sizeof(block) ? left : sizeof(block);

		if (!read_at(fd, block, n, names.sh_offset + at))
			return false;
		for (size_t i = 0; i + length <= n; i++)
			if (block[i] == '.' &&
			    memcmp(block + i, go_section, length) == 0)
				return true;
	}
	return false;
}

/* Where the file has what will lie at an address; 0 where nowhere. */
static uint64_t offset_of(int fd, const Elf64_Ehdr *elf, uint64_t address)
{
	for (unsigned int i = 0; i < elf->e_phnum; i++) {
		Elf64_Phdr header;

		if (!read_at(fd, &header, sizeof(header),
			     elf->e_phoff + i * sizeof(header)))
			return 0;
		if (header.p_type == PT_LOAD && address >= header.p_vaddr &&
		    address - header.p_vaddr < header.p_filesz)
			return header.p_offset + address - header.p_vaddr;
	}
	return 0;
}

/* The first library that it is linked with, if that one has to be the first. */
static void find_runtime(int fd, const Elf64_Ehdr *elf,
			 const Elf64_Phdr *dynamic,
			 char runtime[static PW_RUNTIME_BYTES])
{
	uint64_t strings = 0, name = 0, at;
	bool has_needed = false;
	Elf64_Dyn entry;
	size_t n;

	for (unsigned int i = 0; i < MAX_ENTRIES; i++) {
		if (!read_at(fd, &entry, sizeof(entry),
			     dynamic->p_offset + i * sizeof(entry)) ||
		    entry.d_tag == DT_NULL)
			break;
		if (entry.d_tag == DT_STRTAB)
			strings = entry.d_un.d_ptr;
		if (entry.d_tag == DT_NEEDED && !has_needed) {
			name = entry.d_un.d_val;
			has_needed = true;
		}
	}
	at = has_needed ? offset_of(fd, elf, strings) : 0;
	if (!at || !read_at(fd, runtime, PW_RUNTIME_BYTES, at + name)) {
		*runtime = '\0';
		return;
	}
	n = strnlen(runtime, PW_RUNTIME_BYTES);
	if (n == PW_RUNTIME_BYTES || !pw_is_runtime(runtime, n))
		*runtime = '\0';
}

/**
 * pw_image_judge() - Look into an ELF file
 * @fd: open for reading
 * @elf: its head
 * @runtime: set to the name of a library that must stand before ours, or ""
 *
 * Context: async-signal-safe
 */
enum pw_target pw_image_judge(int fd, const Elf64_Ehdr *elf,
			      char runtime[static PW_RUNTIME_BYTES])
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
		if (header.p_type == PT_DYNAMIC)
			find_runtime(fd, elf, &header, runtime);
		/* The kernel takes the first. */
		if (header.p_type == PT_INTERP && verdict == PW_TARGET_STATIC)
			verdict = has_known_interpreter(fd, &header)
					  ? PW_TARGET_OK
					  : PW_TARGET_LIBC;
	}
	if (verdict == PW_TARGET_OK && has_go_section(fd, elf))
		return PW_TARGET_GO;
	return verdict;
}
