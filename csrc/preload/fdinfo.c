/* SPDX-License-Identifier: MIT */
/*
 * The kernel's own list of an epoll set's registrations, from
 * /proc/self/fdinfo/EPFD, so that no hook need keep a second one: lines of
 * "tfd:        7 events:       19 data:     55d0c8a0  pos:0 ino:9 sdev:8".
 */
#include "epollset.h"

#include <fcntl.h>

struct line {
	char text[160];
	size_t n;
};

static const char *after(const char *text, const char *key)
{
	size_t n = strlen(key);

	for (; *text; text++) {
		if (strncmp(text, key, n) == 0) {
			for (text += n; *text == ' '; text++)
				;
			return text;
		}
	}
	return NULL;
}

static uint64_t number(const char *text, unsigned int base)
{
	uint64_t value = 0;

	for (;; text++) {
		unsigned int digit = 16;

		if (*text >= '0' && *text <= '9')
			digit = (unsigned int)(*text - '0');
		else if (*text >= 'a' && *text <= 'f')
			digit = (unsigned int)(*text - 'a') + 10;
		if (digit >= base)
			return value;
		value = value * base + digit;
	}
}

static bool is_about(const char *text, int fd, struct epoll_event *out)
{
	const char *tfd = after(text, "tfd:"), *events, *data;

	if (!tfd || number(tfd, 10) != (uint64_t)fd)
		return false;
	events = after(tfd, "events:");
	data = events ? after(events, "data:") : NULL;
	if (!data)
		return false;
	out->events = (uint32_t)number(events, 16);
	out->data.u64 = number(data, 16);
	return true;
}

static int open_fdinfo(int epfd)
{
	char path[40] = "/proc/self/fdinfo/", digits[12];
	size_t at = strlen(path), n = 0;
	unsigned int rest = (unsigned int)epfd;

	do
		digits[n++] = (char)('0' + rest % 10);
	while ((rest /= 10) > 0);
	while (n > 0)
		path[at++] = digits[--n];
	path[at] = '\0';
	return (int)pw_sys(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
}

/**
 * pw_fdinfo_find() - Look up one registration of an epoll set
 * @epfd: of the set
 * @fd: the registered descriptor
 * @out: its events, as far as they are still armed, and its data
 *
 * Return: 1: found; 0: not registered; -errno: no /proc here
 * Context: does not block
 */
int pw_fdinfo_find(int epfd, int fd, struct epoll_event *out)
{
	struct line line = { .n = 0 };
	char chunk[512];
	int info = open_fdinfo(epfd), found = 0;
	long n;

	if (info < 0)
		return info;
	while (!found &&
	       (n = pw_sys(SYS_read, info, chunk, sizeof(chunk))) > 0) {
		for (long i = 0; i < n && !found; i++) {
			if (chunk[i] != '\n') {
				if (line.n < sizeof(line.text) - 1)
					line.text[line.n++] = chunk[i];
				continue;
			}
			line.text[line.n] = '\0';
			found = is_about(line.text, fd, out);
			line.n = 0;
		}
	}
	pw_sys(SYS_close, info);
	return found;
}
