/* SPDX-License-Identifier: MIT */
// sources: csrc/preload/bus.c csrc/preload/sockaddr.c
#include "preload/bus.h"

#include "preload/channel.h"

#include <sys/mman.h>
#include <sys/un.h>
#include <unistd.h>

#include "tap.h"

struct pw_tables *_Atomic pw_tables;
union pw_attention pw_attention;

struct pw_tables *pw_tables_map(void)
{
	static struct pw_tables mine;

	pw_tables = &mine;
	return pw_tables;
}

static uint64_t inode;

uint64_t pw_inode(int fd)
{
	(void)fd;
	return inode;
}

static int reported;

void pw_blocked(enum pw_blocked what, const struct pw_addr *addr,
		const char *name)
{
	(void)addr;
	reported += what == PW_BLOCKED_RESOLVER && name;
}

static bool is_bus(const char *path, size_t more)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct sockaddr_storage storage = { 0 };
	/* An abstract name begins with a NUL. */
	size_t n = *path ? strlen(path) : 1 + strlen(path + 1);

	memcpy(un.sun_path, path, n);
	memcpy(&storage, &un, sizeof(un));
	return pw_is_bus_path(&storage, offsetof(struct sockaddr_un, sun_path) +
						n + more);
}

static void test_paths(void)
{
	static char variable[] = "DBUS_SYSTEM_BUS_ADDRESS=unix:path=/tmp/bus,"
				 "guid=0123;unix:guid=4,path=/tmp/%6f%74her";
	static char second[] = "DBUS_SYSTEM_BUS_ADDRESS=tcp:host=x;"
			       "unix:path=/tmp/later;unix:abstract=abs";
	static char *given[] = { variable, NULL }, *none[] = { NULL },
		    *later[] = { variable + 1, second, NULL };
	char longest[109] = { 0 };

	ok(is_bus("/run/dbus/system_bus_socket", 1), "the usual place");
	ok(is_bus("/var/run/dbus/system_bus_socket", 0), "without a NUL");
	ok(!is_bus("/run/user/0/bus", 1), "not the session's");
	ok(!is_bus("\0", 0), "nor a socket without a name");
	memset(longest, 'x', 108);
	ok(!is_bus(longest, 0), "nor one of 108 bytes");
	environ = given;
	pw_bus_read_environment();
	ok(is_bus("/tmp/bus", 1), "what the environment says");
	ok(is_bus("/tmp/other", 1), "each of the list, escaped or not");
	ok(!is_bus("/tmp/another", 1), "no other");
	ok(is_bus("/run/dbus/system_bus_socket", 1), "beside the usual one");
	environ = none;
	ok(is_bus("/tmp/bus", 1), "though the variable has gone");
	ok(!is_bus("/tmp/later", 1), "not known");
	environ = later;
	ok(is_bus("/tmp/later", 1), "until the program has set it");
	ok(is_bus("/tmp/bus", 1), "beside the first");
	ok(is_bus("\0abs", 0), "an abstract name");
	ok(!is_bus("\0ab", 0), "not one like it");
	ok(is_bus("/proc/1/root/run/dbus/system_bus_socket", 1),
	   "the usual one by another way");
	ok(!is_bus("/run/dbus/session_bus_socket", 1), "another there");
}

static int verdict(const char *bytes, size_t n)
{
	return pw_bus_verdict(PW_FDS, bytes, n);
}

#define FIELD(code, size, text) code "\1s\0" size "\0\0\0" text "\0"
#define VERDICT(literal) verdict(literal, sizeof(literal) - 1)

static void test_messages(void)
{
	is(VERDICT("l\1\0\1" FIELD("\6", "\x18", "org.freedesktop.resolve1")),
	   -EACCES, "resolved's by name");
	is(VERDICT(FIELD("\2", "\x20", "org.freedesktop.resolve1.Manager")),
	   -EACCES, "by interface");
	is(VERDICT("\6\1s\0\0\0\0\x18org.freedesktop.resolve1\0"), -EACCES,
	   "in the other byte order");
	is(VERDICT(FIELD("\6", "\x15", "org.freedesktop.Avahi")), -EACCES,
	   "avahi's");
	is(VERDICT("\6\6\6" FIELD("\6", "\x15", "org.freedesktop.Avahi")),
	   -EACCES, "behind something like it");
	is(reported, 5, "each is told of");
	is(VERDICT(FIELD("\6", "\x14", "org.freedesktop.DBus")), 0,
	   "the bus's own");
	is(VERDICT(FIELD("\6", "\x19", "org.freedesktop.resolve12")), 0,
	   "a like name");
	is(VERDICT(FIELD("\3", "\x18", "org.freedesktop.resolve1")), 0,
	   "a member of that name");
	is(VERDICT("\1s\0\x18\0\0\0org.freedesktop.resolve1\0"), 0,
	   "an argument of that name");
	is(VERDICT(FIELD("\6", "\x18", "org.freedesktop.resolve")), 0, "cut");
	is(VERDICT("\6\1s\0\x18\0\0\0org.freedesktop.resolve1"), 0,
	   "the last byte missing");
	is(VERDICT(""), 0, "nothing");
}

static void test_parts(void)
{
	struct iovec parts[2] = {
		{ .iov_base = "l\1\0\1", .iov_len = 4 },
		{ .iov_base = FIELD("\6", "\x15", "org.freedesktop.Avahi"),
		  .iov_len = 30 },
	};

	is(pw_bus_verdict_v(PW_FDS, parts, 1), 0, "the first part");
	is(pw_bus_verdict_v(PW_FDS, parts, 2), -EACCES, "and the second");
	is(pw_bus_verdict_v(PW_FDS, (void *)8, 2), 0, "the kernel says EFAULT");
}

static void test_memory_that_cannot_be_read(void)
{
	char *map = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memset(map, 6, 3 * 4096);
	mprotect(map + 2 * 4096, 4096, PROT_NONE);
	for (size_t at = 0; at < 4096; at += 511)
		is(verdict(map + at, 3 * 4096 - at), 0, "from %zu on", at);
	is(verdict((char *)8, 100), 0, "none of it");
}

static void test_marks(void)
{
	static const char bytes[] = "\6\1s\0\x15\0\0\0org.freedesktop.Avahi";

	inode = 4711;
	ok(!pw_on_bus(7), "none before there is one");
	pw_bus_mark(7);
	ok(pw_on_bus(7), "marked");
	ok(!pw_on_bus(8), "another is not");
	ok(pw_on_bus(PW_FDS), "one beyond the table may be");
	is(pw_bus_verdict(7, bytes, sizeof(bytes)), -EACCES, "refused");
	is(pw_bus_refuse(7), -EACCES, "as is what cannot be seen");
	inode = 4712;
	is(pw_bus_verdict(7, bytes, sizeof(bytes)), 0, "it is another now");
	is(pw_bus_refuse(7), 0, "of which nobody need see anything");
}

int main(void)
{
	test_paths();
	test_messages();
	test_parts();
	test_memory_that_cannot_be_read();
	test_marks();
	return tap_end();
}
