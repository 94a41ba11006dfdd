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

static bool read_line(const char *text, int *fd, struct epoll_event *out)
{
	const char *tfd = after(text, "tfd:"), *events, *data;

	events = tfd ? after(tfd, "events:") : NULL;
	data = events ? after(events, "data:") : NULL;
	if (!data)
		return false;
	*fd = (int)number(tfd, 10);
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

/* Whether what was sought is found with this registration. */
typedef bool look(int fd, const struct epoll_event *event, void *sought);

/* Return: 1: @is_it has found what was sought; 0: it has not; -errno: no /proc
 */
static int walk(int epfd, look *is_it, void *sought)
{
	struct line line = { .n = 0 };
	struct epoll_event event;
	char chunk[512];
	int info = open_fdinfo(epfd), found = 0, fd;
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
			found = read_line(line.text, &fd, &event) &&
				is_it(fd, &event, sought);
			line.n = 0;
		}
	}
	pw_sys(SYS_close, info);
	return found;
}

struct number_sought {
	int fd;
	struct epoll_event *out;
};

static bool has_number(int fd, const struct epoll_event *event, void *sought)
{
	const struct number_sought *number = sought;

	if (fd != number->fd)
		return false;
	*number->out = *event;
	return true;
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
	struct number_sought number = { fd, out };

	return walk(epfd, has_number, &number);
}

struct data_sought {
	int fd;
	uint64_t data;
	bool is_there;
};

static bool is_anothers(int fd, const struct epoll_event *event, void *sought)
{
	struct data_sought *data = sought;

	if (event->data.u64 != data->data)
		return false;
	data->is_there |= fd == data->fd;
	return fd != data->fd;
}

/**
 * pw_fdinfo_is_told_by() - Whether an event's data tell whose it is
 * @epfd: of the set that reported it
 * @fd: the registered descriptor
 * @data: the event's
 *
 * Return: whether @fd is registered with that data, and nothing else in the set
 */
bool pw_fdinfo_is_told_by(int epfd, int fd, uint64_t data)
{
	struct data_sought sought = { .fd = fd, .data = data };

	return walk(epfd, is_anothers, &sought) == 0 && sought.is_there;
}
