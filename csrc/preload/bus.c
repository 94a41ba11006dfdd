/* SPDX-License-Identifier: MIT */
#include "bus.h"

#include "channel.h"
#include "sockaddr.h"

#include <sys/un.h>

extern char **environ;

enum {
	PATH_ROOM = sizeof(((struct sockaddr_un *)0)->sun_path) + 1,
	OWN_PATHS = 4
};

static char own_paths[OWN_PATHS][PATH_ROOM];

/* Header fields of a message that say whom it is for (D-Bus Specification,
 * "Header Fields"): their codes. */
enum {
	FIELD_INTERFACE = 2,
	FIELD_DESTINATION = 6
};

static const char *const resolvers[] = {
	"org.freedesktop.resolve1",
	"org.freedesktop.Avahi",
};

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Copy a value up to its end, with "%2e" and the like as what they stand for.
 */
static void take_path(char out[static PATH_ROOM], const char *value)
{
	size_t n = strlen(out);

	for (; *value && *value != ',' && *value != ';'; value++) {
		if (n == PATH_ROOM - 1) {
			out[0] = '\0'; /* no socket has such a name */
			return;
		}
		out[n] = *value;
		if (*value == '%' && hex(value[1]) >= 0 && hex(value[2]) >= 0) {
			out[n] = (char)(hex(value[1]) << 4 | hex(value[2]));
			value += 2;
		}
		n++;
	}
	out[n] = '\0';
}

/**
 * next_path() - Walk the sockets in a list of D-Bus addresses
 * @at: behind a '='; where the last one was found, to begin with the value
 * @out: its path; an abstract name has an '@' before it
 *
 * The list is "TRANSPORT:KEY=VALUE,KEY=VALUE", with semicolons between; the
 * transport of a socket is "unix", its key "path" or "abstract".
 *
 * Return: where it was found, NULL for none
 */
static const char *next_path(const char *at, char out[static PATH_ROOM])
{
	memset(out, 0, PATH_ROOM);
	for (; *at; at++) {
		if (at[-1] != ':' && at[-1] != ',')
			continue;
		if (strncmp(at, "path=", 5) == 0) {
			take_path(out, at + 5);
			return at + 5;
		}
		if (strncmp(at, "abstract=", 9) == 0) {
			out[0] = '@';
			take_path(out, at + 9);
			return at + 9;
		}
	}
	return NULL;
}

/*
 * The variable's value as it is now; NULL where there is none. Another thread
 * may be changing the environment.
 */
static const char *value_now(void)
{
	static const char name[] = "DBUS_SYSTEM_BUS_ADDRESS=";
	const size_t n = sizeof(name) - 1;

	for (char **at = environ; at && pw_readable(at, sizeof(*at)) && *at;
	     at++)
		if (pw_readable(*at, 1) && strncmp(*at, name, n) == 0)
			return *at + n;
	return NULL;
}

/* Learn of a system bus at other places, for the variable may go. */
void pw_bus_read_environment(void)
{
	const char *at = value_now();

	for (size_t i = 0; at && i < OWN_PATHS; i++)
		at = next_path(at, own_paths[i]);
}

static bool is_own(const char *path)
{
	const char *at = value_now();
	char other[PATH_ROOM];

	for (size_t i = 0; i < OWN_PATHS; i++)
		if (strcmp(path, own_paths[i]) == 0)
			return true;
	while (at && (at = next_path(at, other)))
		if (strcmp(path, other) == 0)
			return true;
	return false;
}

/* The usual place, by whatever way it is reached. */
static bool is_usual(const char *path)
{
	static const char name[] = "system_bus_socket";
	size_t n = strlen(path);

	return n >= sizeof(name) - 1 &&
	       strcmp(path + n - (sizeof(name) - 1), name) == 0;
}

/* Whether a socket address is the system bus's. */
bool pw_is_bus_path(const struct sockaddr_storage *addr, size_t len)
{
	const size_t head = offsetof(struct sockaddr_un, sun_path);
	struct sockaddr_un un = { 0 };
	char path[PATH_ROOM] = { 0 };

	if (addr->ss_family != AF_UNIX || len <= head || len > sizeof(un))
		return false;
	memcpy(&un, addr, len);
	memcpy(path, un.sun_path, len - head);
	if (!path[0])
		path[0] = '@';
	return path[1] && (is_usual(path) || is_own(path));
}

/* What is sent through a descriptor from here on goes to the bus. */
void pw_bus_mark(int fd)
{
	struct pw_tables *tables = pw_tables_map();

	if (tables && (unsigned int)fd < PW_FDS)
		tables->bus_inode[fd] = (uint32_t)pw_inode(fd);
	atomic_store(&pw_attention.has_bus, true);
}

/* Nothing but a close that no hook saw has made another thing of it. */
static bool is_bus_still(int fd)
{
	const struct pw_tables *tables = pw_mapped();

	return !tables || (unsigned int)fd >= PW_FDS ||
	       tables->bus_inode[fd] == (uint32_t)pw_inode(fd);
}

/* A header field: its code, the signature "s", a length, and the string. */
static bool is_for(const uint8_t *at, size_t n, const char *resolver)
{
	const size_t head = 8, name_bytes = strlen(resolver);

	if (n <= head + name_bytes || at[1] != 1 || at[2] != 's' || at[3] ||
	    memcmp(at + head, resolver, name_bytes) != 0)
		return false;
	if (at[0] == FIELD_DESTINATION)
		return at[head + name_bytes] == '\0';
	/* A name of the bus's own for the destination, and an interface. */
	return at[0] == FIELD_INTERFACE &&
	       (at[head + name_bytes] == '.' || at[head + name_bytes] == '\0');
}

static bool asks_resolver(const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (bytes[i] != FIELD_DESTINATION &&
		    bytes[i] != FIELD_INTERFACE)
			continue;
		for (size_t k = 0; k < sizeof(resolvers) / sizeof(resolvers[0]);
		     k++)
			if (is_for(bytes + i, n - i, resolvers[k]))
				return true;
	}
	return false;
}

/* How many of the bytes can be read: the kernel says EFAULT of the others. */
static size_t readable_part(const uint8_t *bytes, size_t n)
{
	const size_t step = 4096;
	size_t at = 0;

	while (at < n && pw_readable(bytes + at, n - at < step ? n - at : step))
		at += step;
	return at < n ? at : n;
}

/**
 * pw_bus_verdict() - Whether bytes may be sent to the system bus
 * @fd: where pw_on_bus() is true
 * @buf: @n bytes, to be sent there
 *
 * A field that is split between two calls is not seen: libraries send the
 * header of a message whole.
 *
 * Return: 0, or -EACCES; the user was told
 */
int pw_bus_verdict(int fd, const void *buf, size_t n)
{
	if (!asks_resolver(buf, readable_part(buf, n)) || !is_bus_still(fd))
		return 0;
	pw_blocked(PW_BLOCKED_RESOLVER, NULL, "the system bus");
	return -EACCES;
}

/* The same for several parts. */
int pw_bus_verdict_v(int fd, const struct iovec *iov, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int ret = pw_readable(&iov[i], sizeof(iov[i]))
				  ? pw_bus_verdict(fd, iov[i].iov_base,
						   iov[i].iov_len)
				  : 0;

		if (ret < 0)
			return ret;
	}
	return 0;
}

/* What cannot be looked at is refused. Return: 0 where it is another socket. */
int pw_bus_refuse(int fd)
{
	if (!is_bus_still(fd))
		return 0;
	pw_blocked(PW_BLOCKED_RESOLVER, NULL, "stdio on the system bus");
	return -EACCES;
}
