/* SPDX-License-Identifier: MIT */
// sources: csrc/preload/target.c csrc/preload/image.c csrc/preload/limits.c
// sources: csrc/preload/secure.c csrc/preload/order.c
// sources: csrc/preload/loader.c csrc/preload/sockaddr.c
#include "tap.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "preload/target.h"

/**
 * struct image - the smallest ELF file that has all that is looked at
 */
struct image {
	Elf64_Ehdr elf;
	Elf64_Phdr headers[3];
	char interpreter[64];
	struct {
		Elf64_Nhdr head;
		char name[4];
		char text[4];
	} notes[2];
};

static char path[] = "/tmp/proxywrap-target-XXXXXX";

static struct image sound(void)
{
	struct image image = {
		.elf = {
			.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
			.e_type = ET_DYN,
#if defined(__x86_64__)
			.e_machine = EM_X86_64,
#else
			.e_machine = EM_AARCH64,
#endif
			.e_version = EV_CURRENT,
			.e_phoff = offsetof(struct image, headers),
			.e_ehsize = sizeof(Elf64_Ehdr),
			.e_phentsize = sizeof(Elf64_Phdr),
			.e_phnum = 3,
		},
		.headers = {
			{ .p_type = PT_LOAD },
			{ .p_type = PT_INTERP, .p_offset = offsetof(struct image, interpreter), .p_filesz = 64 },
			{ .p_type = PT_NOTE, .p_offset = offsetof(struct image, notes), .p_filesz = 40 },
		},
#if defined(__x86_64__)
		.interpreter = "/lib64/ld-linux-x86-64.so.2",
#else
		.interpreter = "/lib/ld-linux-aarch64.so.1",
#endif
		.notes = {
			{ { 4, 4, 1 }, "GNU", "abcd" },
			{ { 4, 4, 3 }, "GNU", "efgh" },
		},
	};

	return image;
}

static void put(const void *bytes, size_t n)
{
	int fd = open(path, O_WRONLY | O_TRUNC);

	if (write(fd, bytes, n) != (ssize_t)n)
		ok(false, "write");
	close(fd);
}

static enum pw_target judge_bytes(const void *bytes, size_t n)
{
	put(bytes, n);
	return pw_target_judge(AT_FDCWD, path, 0);
}

static enum pw_target judge(const struct image *image)
{
	return judge_bytes(image, sizeof(*image));
}

static void limit(int kind, rlim_t bytes)
{
	struct rlimit both;

	getrlimit(kind, &both);
	both.rlim_cur = bytes;
	setrlimit(kind, &both);
}

/* The verdict while a soft limit holds. */
static enum pw_target judge_within(const struct image *image, int kind,
				   rlim_t bytes)
{
	enum pw_target verdict;

	put(image, sizeof(*image));
	limit(kind, bytes);
	verdict = pw_target_judge(AT_FDCWD, path, 0);
	limit(kind, RLIM_INFINITY);
	return verdict;
}

static void test_limits(void)
{
	const rlim_t mib = 1 << 20;
	struct image image = sound();

	image.headers[0].p_memsz = 64 * mib;
	is(judge_within(&image, RLIMIT_DATA, 0), PW_TARGET_OK,
	   "glibc ends by itself");
#if defined(__x86_64__)
	strcpy(image.interpreter, "/lib/ld-musl-x86_64.so.1");
#else
	strcpy(image.interpreter, "/lib/ld-musl-aarch64.so.1");
#endif
	is(judge_within(&image, RLIMIT_DATA, mib / 4), PW_TARGET_MEMORY,
	   "little to write to");
	is(judge_within(&image, RLIMIT_DATA, 2 * mib), PW_TARGET_OK,
	   "enough to write to");
	is(judge_within(&image, RLIMIT_AS, 65 * mib), PW_TARGET_MEMORY,
	   "little space");
	is(judge_within(&image, RLIMIT_AS, 128 * mib), PW_TARGET_OK,
	   "enough space");
	image.headers[0].p_flags = PF_R | PF_W;
	is(judge_within(&image, RLIMIT_DATA, 64 * mib), PW_TARGET_MEMORY,
	   "the program takes it all");
	is(judge_within(&image, RLIMIT_DATA, 66 * mib), PW_TARGET_OK,
	   "it leaves enough");
	image.headers[0].p_memsz = ~0ULL;
	is(judge_within(&image, RLIMIT_DATA, 66 * mib), PW_TARGET_MEMORY,
	   "more than there is");
	is(judge(&image), PW_TARGET_OK, "without a limit");
}

static void test_kinds(void)
{
	struct image image = sound();

	is(judge(&image), PW_TARGET_OK, "dynamic, glibc");
#if defined(__x86_64__)
	strcpy(image.interpreter, "/lib/ld-musl-x86_64.so.1");
#else
	strcpy(image.interpreter, "/lib/ld-musl-aarch64.so.1");
#endif
	is(judge(&image), PW_TARGET_OK, "dynamic, musl");
	strcpy(image.interpreter, "/lib/ld-uClibc.so.0");
	is(judge(&image), PW_TARGET_LIBC, "another libc");
	strcpy(image.interpreter, "");
	is(judge(&image), PW_TARGET_LIBC, "an interpreter without a name");
	memset(image.interpreter, 'x', sizeof(image.interpreter));
	is(judge(&image), PW_TARGET_LIBC, "one without an end");
	image = sound();
	image.headers[1].p_filesz = 1 << 20;
	is(judge(&image), PW_TARGET_LIBC, "one that is too long");
	image.headers[1].p_filesz = ~0ULL;
	is(judge(&image), PW_TARGET_LIBC, "by far");
	image = sound();
	image.headers[1].p_type = PT_NULL;
	is(judge(&image), PW_TARGET_STATIC, "static");
	image = sound();
	image.elf.e_phnum = 0;
	is(judge(&image), PW_TARGET_STATIC, "without headers");
	image = sound();
	image.elf.e_ident[EI_CLASS] = ELFCLASS32;
	is(judge(&image), PW_TARGET_FOREIGN, "another class");
	image = sound();
	for (unsigned int machine = 0; machine < 300; machine++) {
		bool is_ours = machine == sound().elf.e_machine;

		image.elf.e_machine = (Elf64_Half)machine;
		is(judge(&image), is_ours ? PW_TARGET_OK : PW_TARGET_FOREIGN,
		   "machine %u", machine);
	}
}

static void test_notes(void)
{
	struct image image = sound();

	image.notes[1].head.n_type = 4;
	is(judge(&image), PW_TARGET_OK, "note 4 of another name");
	memcpy(image.notes[1].name, "Go\0", 4);
	is(judge(&image), PW_TARGET_GO, "Go's note, the second");
	image.headers[2] = image.headers[0];
	is(judge(&image), PW_TARGET_OK, "where no header tells of it");
	image = sound();
	for (unsigned int at = 0; at < 3; at++) {
		uint32_t *sizes[] = { &image.notes[0].head.n_namesz,
				      &image.notes[0].head.n_descsz,
				      &image.notes[0].head.n_type };

		for (int bit = 0; bit < 32; bit++) {
			*sizes[at] ^= 1U << bit;
			ok(judge(&image) <= PW_TARGET_FORMAT,
			   "field %u of a note, bit %d", at, bit);
			*sizes[at] ^= 1U << bit;
		}
	}
	memset(image.notes, 0xff, sizeof(image.notes));
	image.headers[2].p_filesz = ~0ULL;
	ok(judge(&image) <= PW_TARGET_FORMAT, "notes without sense");
	image.headers[2].p_offset = ~0ULL;
	ok(judge(&image) <= PW_TARGET_FORMAT, "notes beyond everything");
}

/* Built with -buildid= a Go program has no note, but the section still. */
static void test_go_section(void)
{
	static const char names[] = "\0.text\0.go.buildinfo\0.data";
	struct {
		struct image image;
		Elf64_Shdr sections[2];
		char pad[600], names[600];
	} file = { .image = sound() };

	file.image.elf.e_shoff = offsetof(__typeof__(file), sections);
	file.image.elf.e_shentsize = sizeof(Elf64_Shdr);
	file.image.elf.e_shnum = 2;
	file.image.elf.e_shstrndx = 1;
	file.sections[1].sh_offset = offsetof(__typeof__(file), names);
	file.sections[1].sh_size = sizeof(file.names);
	is(judge_bytes(&file, sizeof(file)), PW_TARGET_OK, "no such section");
	for (size_t at = 0; at + sizeof(names) <= sizeof(file.names);
	     at += 17) {
		memset(file.names, 0, sizeof(file.names));
		memcpy(file.names + at, names, sizeof(names));
		is(judge_bytes(&file, sizeof(file)), PW_TARGET_GO,
		   "Go's section, named at %zu", at);
	}
	file.sections[1].sh_size = ~0ULL;
	is(judge_bytes(&file, sizeof(file)), PW_TARGET_OK,
	   "names without an end");
	file.image.elf.e_shoff = ~0ULL;
	is(judge_bytes(&file, sizeof(file)), PW_TARGET_OK,
	   "sections beyond everything");
}

static void test_two_interpreters(void)
{
	struct image image = sound();

	image.headers[0] = image.headers[1];
	image.headers[0].p_offset = offsetof(struct image, notes);
	is(judge(&image), PW_TARGET_LIBC, "the first counts, as in the kernel");
}

/* Whatever was cut off or changed: an answer, and none that lets it run bare.
 */
static void test_damage(void)
{
	struct image image = sound();
	bool is_safe = true;

	image.notes[1].head.n_type = 4;
	memcpy(image.notes[1].name, "Go\0", 4);
	for (size_t n = 0; n <= sizeof(image); n++) {
		enum pw_target verdict = judge_bytes(&image, n);

		/* Less than a header, the kernel refuses by itself. */
		if (verdict == PW_TARGET_OK && n >= sizeof(image.elf) &&
		    n < offsetof(struct image, notes))
			ok(false, "cut off at %zu: %d", n, verdict);
		is_safe &= verdict <= PW_TARGET_FORMAT;
	}
	ok(is_safe, "cut off at every length");
	image = sound();
	for (size_t at = 0; at < sizeof(image); at++) {
		for (int bit = 0; bit < 8; bit++) {
			((unsigned char *)&image)[at] ^=
				(unsigned char)(1 << bit);
			is_safe &= judge(&image) <= PW_TARGET_FORMAT;
			((unsigned char *)&image)[at] ^=
				(unsigned char)(1 << bit);
		}
	}
	ok(is_safe, "every bit changed");
}

static void test_scripts(void)
{
	static const char *const plain[] = { "#!/bin/sh\n", "#! /bin/sh -e\n",
					     "#!\t/bin/sh\t-e x\n",
					     "#!/bin/sh" };
	char line[600], self[64];

	for (size_t i = 0; i < 4; i++)
		is(judge_bytes(plain[i], strlen(plain[i])), PW_TARGET_OK,
		   "a script, %zu", i);
	for (size_t n = 1; n <= strlen(plain[0]); n++)
		ok(judge_bytes(plain[0], n) <= PW_TARGET_FORMAT,
		   "cut off at %zu", n);
	is(judge_bytes("#!", 2), PW_TARGET_OK,
	   "without an interpreter, the kernel refuses");
	is(judge_bytes("#! \n/bin/sh", 11), PW_TARGET_OK,
	   "nor does the next line help");
	is(judge_bytes("", 0), PW_TARGET_OK,
	   "an empty file is the kernel's to refuse");
	is(judge_bytes("echo\n", 5), PW_TARGET_FORMAT,
	   "neither ELF nor script");
	is(judge_bytes("#!/nowhere\n", 11), PW_TARGET_OK,
	   "a script for nothing is the kernel's to refuse");
	memset(line, 'x', sizeof(line));
	memcpy(line, "#!/", 3);
	ok(judge_bytes(line, sizeof(line)) <= PW_TARGET_FORMAT,
	   "an interpreter that is too long");
	snprintf(self, sizeof(self), "#!%s\n", path);
	is(judge_bytes(self, strlen(self)), PW_TARGET_OK,
	   "its own interpreter: ELOOP is the kernel's to say");
}

static void test_script_for(const struct image *image, enum pw_target expected,
			    const char *what)
{
	char script[] = "/tmp/proxywrap-script-XXXXXX", line[64];
	int fd = mkstemp(script);

	snprintf(line, sizeof(line), "#!%s with an argument\n", path);
	if (write(fd, line, strlen(line)) < 0)
		ok(false, "write");
	fchmod(fd, 0700);
	judge(image);
	is(pw_target_judge(AT_FDCWD, script, 0), expected,
	   "a script for one that is %s", what);
	is(pw_target_judge(fd, "", AT_EMPTY_PATH), expected,
	   "by its descriptor");
	close(fd);
	unlink(script);
}

static void test_interpreters(void)
{
	struct image image = sound();

	test_script_for(&image, PW_TARGET_OK, "dynamic");
	image.headers[1].p_type = PT_NULL;
	test_script_for(&image, PW_TARGET_STATIC, "static");
}

static void test_places(void)
{
	struct image image = sound();
	int dir = open("/tmp", O_PATH | O_DIRECTORY), fd;

	judge(&image);
	fd = open(path, O_RDONLY);
	is(pw_target_judge(dir, path + 5, 0), PW_TARGET_OK,
	   "relative to a directory");
	is(pw_target_judge(fd, "", AT_EMPTY_PATH), PW_TARGET_OK,
	   "by its descriptor");
	is(pw_target_judge(open(path, O_PATH), "", AT_EMPTY_PATH), PW_TARGET_OK,
	   "by one of O_PATH");
	image.headers[1].p_type = PT_NULL;
	judge(&image);
	is(pw_target_judge(dir, path + 5, 0), PW_TARGET_STATIC,
	   "static, relative to a directory");
	is(pw_target_judge(fd, "", AT_EMPTY_PATH), PW_TARGET_STATIC,
	   "static, by its descriptor");
	is(pw_target_judge(open(path, O_PATH), "", AT_EMPTY_PATH),
	   PW_TARGET_STATIC, "static, by one of O_PATH");
	is(pw_target_judge(dup2(fd, 1000), "", AT_EMPTY_PATH), PW_TARGET_STATIC,
	   "static, by a high one");
	is(pw_target_judge(-1, "", AT_EMPTY_PATH), PW_TARGET_OK,
	   "by none: the kernel refuses");
	is(pw_target_judge(AT_FDCWD, "/tmp", 0), PW_TARGET_OK,
	   "a directory: the kernel refuses");
	is(pw_target_judge(AT_FDCWD, "/nowhere", 0), PW_TARGET_OK,
	   "nothing: the kernel refuses");
	is(pw_target_judge(AT_FDCWD, "/dev/null", 0), PW_TARGET_OK,
	   "a device: the kernel refuses");
	is(pw_target_judge(AT_FDCWD, "", 0), PW_TARGET_OK,
	   "no name: the kernel refuses");
	mkfifo("/tmp/proxywrap-fifo", 0700);
	is(pw_target_judge(AT_FDCWD, "/tmp/proxywrap-fifo", 0), PW_TARGET_OK,
	   "a fifo does not block");
	unlink("/tmp/proxywrap-fifo");
	close(fd);
}

/* As another user, whom setuid bits would change. */
static int judge_as(uid_t uid, gid_t gid, bool no_new_privs)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		if (no_new_privs)
			prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (setresgid(gid, gid, gid) || setresuid(uid, uid, uid))
			_exit(99);
		_exit((int)pw_target_judge(AT_FDCWD, path, 0));
	}
	waitpid(child, &status, 0);
	return WEXITSTATUS(status);
}

static void test_secure(void)
{
	struct image image = sound();

	judge(&image);
	chmod(path, 04755);
	is(judge_as(0, 0, false), PW_TARGET_OK, "setuid root, for root");
	is(judge_as(65534, 65534, false), PW_TARGET_SECURE,
	   "setuid root, for nobody");
	is(judge_as(65534, 65534, true), PW_TARGET_OK,
	   "setuid root, without new privileges");
	chmod(path, 02755);
	is(judge_as(0, 0, false), PW_TARGET_OK, "setgid root, for root");
	is(judge_as(0, 65534, false), PW_TARGET_SECURE,
	   "setgid root, for another group");
	chmod(path, 02745);
	is(judge_as(0, 65534, false), PW_TARGET_OK,
	   "mandatory locking is no setgid");
	if (chown(path, 65534, 65534) < 0)
		ok(false, "chown");
	chmod(path, 04755);
	is(judge_as(0, 0, false), PW_TARGET_SECURE, "setuid nobody, for root");
	is(judge_as(65534, 65534, false), PW_TARGET_OK,
	   "setuid nobody, for nobody");
	chmod(path, 04711);
	is(judge_as(12345, 12345, false), PW_TARGET_UNREADABLE,
	   "one that may be run but not read");
	chmod(path, 0700);
	is(judge_as(12345, 12345, false), PW_TARGET_OK,
	   "one that may not be run is the kernel's to refuse");
}

int main(void)
{
	fchmod(mkstemp(path), 0755);
	test_kinds();
	test_limits();
	test_notes();
	test_go_section();
	test_two_interpreters();
	test_damage();
	test_scripts();
	test_interpreters();
	test_places();
	if (getuid() == 0)
		test_secure();
	unlink(path);
	return tap_end();
}
