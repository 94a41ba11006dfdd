/* SPDX-License-Identifier: MIT */
/**
 * DOC: The dynamic loader
 *
 * It heeds LD_PRELOAD for the program that it is given as well. A file is taken
 * for one if it is the very file that programs name as their interpreter: at
 * the place that the ABI gives it, or where our own program has it.
 *
 *	glibc: --list --verify --library-path PATH ... PROGRAM ARGUMENTS
 *	musl:  --list --library-path PATH --argv0 NAME -- PROGRAM ARGUMENTS
 *
 * What is not known here is not let run: musl's --preload, which takes the
 * place of LD_PRELOAD; glibc's --audit, whose modules have a C library of their
 * own; a name that glibc looks for among the libraries.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "loader.h"

#include "sockaddr.h"
#include "sys.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#if defined(__x86_64__)
static const char *const places[] = { "/lib64/ld-linux-x86-64.so.2",
				      "/lib/ld-musl-x86_64.so.1" };
#elif defined(__aarch64__)
static const char *const places[] = { "/lib/ld-linux-aarch64.so.1",
				      "/lib/ld-musl-aarch64.so.1" };
#endif

static const char trace[] = "LD_TRACE_LOADED_OBJECTS=";

struct option {
	const char *name;
	bool is_musls; /* too; glibc has them all */
	bool takes_value;
	bool runs_nothing; /* whatever else is said */
};

static const struct option options[] = {
	{ "--list", .is_musls = true, .runs_nothing = true },
	{ "--verify", .runs_nothing = true },
	{ "--version", .runs_nothing = true },
	{ "--help", .runs_nothing = true },
	{ "--list-tunables", .runs_nothing = true },
	{ "--list-diagnostics", .runs_nothing = true },
	{ "--library-path", .is_musls = true, .takes_value = true },
	{ "--argv0", .is_musls = true, .takes_value = true },
	{ "--inhibit-cache", .takes_value = false },
	{ "--inhibit-rpath", .takes_value = true },
	{ "--preload", .takes_value = true },
	{ "--glibc-hwcaps-prepend", .takes_value = true },
	{ "--glibc-hwcaps-mask", .takes_value = true },
};

static bool is_at(const struct stat *file, const char *path)
{
	struct stat st;

	return pw_sys(SYS_newfstatat, AT_FDCWD, path, &st, 0) == 0 &&
	       st.st_ino == file->st_ino && st.st_dev == file->st_dev;
}

/* The path of our own program's interpreter; false where it has none. */
static bool own_interpreter(char path[static PW_INTERPRETER_BYTES])
{
	int fd = (int)pw_sys(SYS_openat, AT_FDCWD, "/proc/self/exe",
			     O_RDONLY | O_CLOEXEC);
	bool found = fd >= 0 && pw_image_interpreter(fd, path);

	if (fd >= 0)
		pw_sys(SYS_close, fd);
	return found;
}

/**
 * pw_loader_kind() - Whether a file is the dynamic loader
 * @fd: the file, open for reading
 *
 * Return: whose; PW_LIBC_UNKNOWN where it is not known to be one
 * Context: async-signal-safe; opens and closes a descriptor
 */
enum pw_libc_kind pw_loader_kind(int fd)
{
	char path[PW_INTERPRETER_BYTES];
	struct stat st;

	if (pw_sys(SYS_fstat, fd, &st) < 0)
		return PW_LIBC_UNKNOWN;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (is_at(&st, places[i]))
			return pw_image_libc(places[i]);
	return own_interpreter(path) && is_at(&st, path) ? pw_image_libc(path)
							 : PW_LIBC_UNKNOWN;
}

/* A string of the application's, or NULL: the end, or none at all. */
static const char *string_at(char *const *at)
{
	if (!pw_readable(at, sizeof(*at)) || !pw_readable(*at, 1))
		return NULL;
	return *at;
}

static bool is_only_traced(char *const envp[])
{
	const char *variable;

	for (; envp && (variable = string_at(envp)); envp++)
		if (strncmp(variable, trace, sizeof(trace) - 1) == 0)
			return true;
	return false;
}

static const struct option *option_of(enum pw_libc_kind kind, const char *name)
{
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (strcmp(name, options[i].name) == 0 &&
		    (kind == PW_LIBC_GLIBC || options[i].is_musls))
			return &options[i];
	return NULL;
}

/* musl's also goes by the name of ldd. */
static bool is_ldd(const char *name)
{
	size_t n = strlen(name);

	return n >= 3 && strcmp(name + n - 3, "ldd") == 0;
}

/**
 * pw_loader_read() - What a loader will do
 * @kind: whose it is
 * @argv: its arguments, and @envp its environment; the application's, or NULL
 * @program: set to the path of what it will run, relative to its directory
 *
 * Context: async-signal-safe
 */
enum pw_loading pw_loader_read(enum pw_libc_kind kind, char *const argv[],
			       char *const envp[], const char **program)
{
	const char *name = string_at(argv), *word;
	bool runs_nothing;

	if (!name)
		return PW_LOADING_UNKNOWN;
	runs_nothing = kind == PW_LIBC_MUSL ? is_ldd(name)
					    : is_only_traced(envp);
	while ((word = string_at(++argv)) && strncmp(word, "--", 2) == 0) {
		const struct option *option = option_of(kind, word);

		if (!option)
			return PW_LOADING_UNKNOWN;
		runs_nothing |= option->runs_nothing;
		if (option->takes_value && !string_at(++argv))
			return PW_LOADING_UNKNOWN;
	}
	if (!word || runs_nothing)
		return PW_LOADING_NOTHING;
	*program = word;
	return kind == PW_LIBC_MUSL || strchr(word, '/') ? PW_LOADING_PROGRAM
							 : PW_LOADING_UNKNOWN;
}
