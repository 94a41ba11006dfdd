/* SPDX-License-Identifier: MIT */
// sources: csrc/preload/loader.c csrc/preload/image.c csrc/preload/limits.c
// sources: csrc/preload/order.c
// sources: csrc/preload/sockaddr.c csrc/preload/target.c csrc/preload/secure.c
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "preload/loader.h"
#include "preload/target.h"

#define MOST 8

static const char *path_of(enum pw_libc_kind kind)
{
#ifdef __x86_64__
	return kind == PW_LIBC_GLIBC ? "/lib64/ld-linux-x86-64.so.2"
				     : "/lib/ld-musl-x86_64.so.1";
#else
	return kind == PW_LIBC_GLIBC ? "/lib/ld-linux-aarch64.so.1"
				     : "/lib/ld-musl-aarch64.so.1";
#endif
}

static char *none[] = { NULL };
static char *tracing[] = { "A=1", "LD_TRACE_LOADED_OBJECTS=", NULL };
static char *almost[] = { "LD_TRACE_LOADED_OBJECTS", "XLD_TRACE=1", NULL };

/* A command line's words, with blanks between them. */
static void reads(enum pw_libc_kind kind, const char *line, char **envp,
		  enum pw_loading expected, const char *program)
{
	char text[256], *argv[MOST + 1] = { NULL }, *rest = text;
	const char *found = NULL;

	strcpy(text, line);
	for (size_t n = 0; n < MOST; n++)
		argv[n] = strsep(&rest, " ");
	is(pw_loader_read(kind, argv, envp, &found), expected, "%s", line);
	if (program)
		ok(found && strcmp(found, program) == 0, "runs %s", program);
}

static void test_both(enum pw_libc_kind kind)
{
	reads(kind, "ld.so /a --list", none, PW_LOADING_PROGRAM, "/a");
	reads(kind, "ld.so --argv0 --list ./a", none, PW_LOADING_PROGRAM,
	      "./a");
	reads(kind, "ld.so --library-path /b /a", NULL, PW_LOADING_PROGRAM,
	      "/a");
	reads(kind, "ld.so -x/ /a", none, PW_LOADING_PROGRAM, "-x/");
	reads(kind, "ld.so", none, PW_LOADING_NOTHING, NULL);
	reads(kind, "ld.so --argv0 x", none, PW_LOADING_NOTHING, NULL);
	reads(kind, "ld.so --list /a", none, PW_LOADING_NOTHING, NULL);
	reads(kind, "ld.so --argv0 x --list /a", none, PW_LOADING_NOTHING,
	      NULL);
	reads(kind, "ld.so --argv0", none, PW_LOADING_UNKNOWN, NULL);
	reads(kind, "ld.so --argv0=x /a", none, PW_LOADING_UNKNOWN, NULL);
	reads(kind, "ld.so -- /a", none, PW_LOADING_UNKNOWN, NULL);
	reads(kind, "ld.so --list --audit x /a", none, PW_LOADING_UNKNOWN,
	      NULL);
	reads(kind, "ld.so /a", almost, PW_LOADING_PROGRAM, "/a");
}

static void test_differences(void)
{
	const enum pw_libc_kind glibc = PW_LIBC_GLIBC, musl = PW_LIBC_MUSL;

	reads(glibc, "ld.so a", none, PW_LOADING_UNKNOWN, NULL);
	reads(musl, "ld.so a", none, PW_LOADING_PROGRAM, "a");
	reads(glibc, "ld.so a", tracing, PW_LOADING_NOTHING, NULL);
	reads(musl, "ld.so a", tracing, PW_LOADING_PROGRAM, "a");
	reads(glibc, "/bin/ldd /a", none, PW_LOADING_PROGRAM, "/a");
	reads(musl, "/bin/ldd /a", none, PW_LOADING_NOTHING, NULL);
	reads(musl, "dd /a", none, PW_LOADING_PROGRAM, "/a");
	reads(glibc, "ld.so --preload x /a", none, PW_LOADING_PROGRAM, "/a");
	reads(musl, "ld.so --preload x /a", none, PW_LOADING_UNKNOWN, NULL);
	reads(glibc, "ld.so --verify /a", none, PW_LOADING_NOTHING, NULL);
	reads(musl, "ld.so --verify /a", none, PW_LOADING_UNKNOWN, NULL);
	reads(glibc, "ld.so --verify /a", tracing, PW_LOADING_NOTHING, NULL);
}

/* The kernel says EFAULT. */
static void test_bad_memory(void)
{
	char *hole =
		mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *argv[] = { "ld.so", hole, NULL };
	const char *found;

	is(pw_loader_read(PW_LIBC_GLIBC, NULL, NULL, &found),
	   PW_LOADING_UNKNOWN, "no arguments");
	is(pw_loader_read(PW_LIBC_GLIBC, (char **)hole, (char **)hole, &found),
	   PW_LOADING_UNKNOWN, "arguments that cannot be read");
	is(pw_loader_read(PW_LIBC_GLIBC, argv, (char **)hole, &found),
	   PW_LOADING_NOTHING, "one that cannot be read");
}

static void test_files(void)
{
	enum pw_libc_kind libcs[] = { PW_LIBC_GLIBC, PW_LIBC_MUSL };
	int fd;

	for (size_t i = 0; i < 2; i++) {
		fd = open(path_of(libcs[i]), O_RDONLY);
		if (fd >= 0)
			is(pw_loader_kind(fd), libcs[i], "%s",
			   path_of(libcs[i]));
		close(fd);
	}
	fd = open("/bin/sh", O_RDONLY);
	is(pw_loader_kind(fd), PW_LIBC_UNKNOWN, "a program is none");
	close(fd);
	is(pw_loader_kind(-1), PW_LIBC_UNKNOWN, "nor is nothing");
}

static int judge(int cwd, char *program)
{
	char runtime[PW_RUNTIME_BYTES], *argv[] = { "ld.so", program, NULL };
	struct pw_program loader = { .dir = AT_FDCWD,
				     .path = path_of(PW_LIBC_GLIBC),
				     .cwd = cwd,
				     .argv = argv };

	return (int)pw_target_examine(&loader, runtime);
}

/* Where posix_spawn() changes the directory first. */
static void test_directories(void)
{
	int bin = open("/bin", O_PATH | O_DIRECTORY);

	if (access(path_of(PW_LIBC_GLIBC), R_OK) != 0)
		return;
	is(judge(bin, "./sh"), PW_TARGET_OK, "relative to its directory");
	is(judge(-EACCES, "./sh"), PW_TARGET_LOADER, "which is not known");
	is(judge(-EACCES, "/bin/sh"), PW_TARGET_OK, "and need not be");
	is(judge(AT_FDCWD, "/dev/null"), PW_TARGET_LOADER, "no file");
	is(judge(AT_FDCWD, "/nowhere/sh"), PW_TARGET_OK, "nothing there");
	is(judge(AT_FDCWD, "/etc/passwd"), PW_TARGET_OK, "no program");
	close(bin);
}

int main(void)
{
	test_both(PW_LIBC_GLIBC);
	test_both(PW_LIBC_MUSL);
	test_differences();
	test_bad_memory();
	test_files();
	test_directories();
	return tap_end();
}
