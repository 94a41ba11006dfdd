/* SPDX-License-Identifier: MIT */
#include "channel.h"

#include "lifeline.h"
#include "listener.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>

extern char **environ;

static struct pw_channel channel;
static _Atomic int state; /* 0 unread, 1 being read, 2 read */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* Copy up to the next colon; NULL where the field is too long. */
static const char *field_or_none(const char *at, char *out, size_t size)
{
	size_t n = 0;

	while (at[n] && at[n] != ':')
		n++;
	if (n >= size)
		return NULL;
	memcpy(out, at, n);
	out[n] = '\0';
	return at[n] ? at + n + 1 : at + n;
}

static const char *field(const char *at, char *out, size_t size)
{
	return *at && *at != ':' ? field_or_none(at, out, size) : NULL;
}

/* Read UID.PID.DEV.INO, the latter two of a user namespace, all decimal. */
static bool read_launcher(struct pw_channel *out, const char *at)
{
	uint64_t *const numbers[] = { &out->uid, &out->pid, &out->user_dev,
				      &out->user_ino };

	for (int i = 0; i < 4; i++) {
		if (*at < '0' || *at > '9')
			return false;
		for (*numbers[i] = 0; *at >= '0' && *at <= '9'; at++)
			*numbers[i] = *numbers[i] * 10 + (uint64_t)(*at - '0');
		if (*at++ != (i < 3 ? '.' : '\0'))
			return false;
	}
	return true;
}

/**
 * pw_channel_parse() - Read VERSION:TOKEN:LAUNCHER:ABSTRACT:PATH:PRELOAD
 * @out: filled in where the value is sound
 * @value: the variable's value; token as 32 lower-case hexadecimal digits;
 *	no path where the helper has no directory
 *
 * Return: 0, or -EINVAL
 */
int pw_channel_parse(struct pw_channel *out, const char *value)
{
	char version[4], token[2 * PW_TOKEN_BYTES + 1], launcher[64];
	size_t n = strlen(value), name = sizeof(PW_CHANNEL_VARIABLE);
	const char *at = field(value, version, sizeof(version));

	if (!at || strcmp(version, PW_TEXT(PW_WIRE_VERSION)) != 0 ||
	    n + name >= sizeof(out->variable))
		return -EINVAL;
	at = field(at, token, sizeof(token));
	if (!at || strlen(token) != 2 * PW_TOKEN_BYTES)
		return -EINVAL;
	for (size_t i = 0; i < PW_TOKEN_BYTES; i++) {
		int high = hex_digit(token[2 * i]),
		    low = hex_digit(token[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		out->token[i] = (uint8_t)(high << 4 | low);
	}
	at = field(at, launcher, sizeof(launcher));
	if (!at || !read_launcher(out, launcher))
		return -EINVAL;
	at = field(at, out->abstract, sizeof(out->abstract));
	at = at ? field_or_none(at, out->path, sizeof(out->path)) : NULL;
	at = at ? field(at, out->preload, sizeof(out->preload)) : NULL;
	if (!at)
		return -EINVAL;
	memcpy(out->variable, PW_CHANNEL_VARIABLE "=", name);
	memcpy(out->variable + name, value, n + 1);
	out->is_set = true;
	return 0;
}

static void note_object(struct pw_channel *out)
{
	struct stat st;

	if (pw_sys(SYS_newfstatat, AT_FDCWD, out->preload, &st, 0) == 0) {
		out->dev = st.st_dev;
		out->ino = st.st_ino;
	}
}

static void read_environment(void)
{
	const size_t n = sizeof(PW_CHANNEL_VARIABLE) - 1;

	for (char **at = environ; at && *at; at++)
		if (strncmp(*at, PW_CHANNEL_VARIABLE "=", n + 1) == 0 &&
		    pw_channel_parse(&channel, *at + n + 1) == 0) {
			note_object(&channel);
			return;
		}
}

/* The channel as it was when the program started, whatever it did since. */
const struct pw_channel *pw_channel(void)
{
	int expected = 0;

	if (pw_likely(atomic_load_explicit(&state, memory_order_acquire) == 2))
		return &channel;
	if (atomic_compare_exchange_strong(&state, &expected, 1)) {
		read_environment();
		atomic_store_explicit(&state, 2, memory_order_release);
	}
	while (atomic_load_explicit(&state, memory_order_acquire) != 2)
		pw_sys(SYS_sched_yield);
	return &channel;
}

static int connect_to(int fd, const char *name, bool is_abstract)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	size_t n = strlen(name), len;
	int ret;

	/* An abstract name starts with a NUL, a path ends with one. */
	memcpy(un.sun_path + is_abstract, name, n);
	len = offsetof(struct sockaddr_un, sun_path) + n + 1;
	do
		ret = (int)pw_sys(SYS_connect, fd, &un, len);
	while (ret == -EINTR);
	return ret;
}

/* Return: a connection that leads to the helper, or -errno */
static int open_by(const struct pw_channel *ch, bool is_abstract, int type)
{
	int fd = (int)pw_sys(SYS_socket, AF_UNIX, type, 0), ret;

	if (fd < 0)
		return fd;
	ret = connect_to(fd, is_abstract ? ch->abstract : ch->path,
			 is_abstract);
	if (ret == 0)
		ret = pw_listener_check(fd, ch, is_abstract);
	if (ret == 0)
		return fd;
	pw_sys(SYS_close, fd);
	return ret == -EAGAIN ? ret : -ECONNREFUSED;
}

/*
 * A path is out of reach from a chroot or under another uid, an abstract name
 * from another network namespace: one of the two will do. The path first, for
 * no stranger gets there to fill its backlog.
 */
static int open_either(const struct pw_channel *ch, int type)
{
	int fd = *ch->path ? open_by(ch, false, type) : -ECONNREFUSED, other;

	if (fd != -ECONNREFUSED && fd != -EAGAIN)
		return fd;
	other = open_by(ch, true, type);
	return other == -ECONNREFUSED ? fd : other;
}

/*
 * Above the numbers that the application expects to be given next, and within
 * its limit. In turn, so that a number is not given again at once: a thread
 * that is about to wait for one connection would wait for another instead.
 */
static int move_high(int fd)
{
	static _Atomic unsigned int turn;
	struct rlimit limit = { .rlim_cur = 1024 };
	unsigned long base = 1024, span = 1024;
	long high;

	pw_sys(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &limit);
	if (limit.rlim_cur <= base + span) {
		base = limit.rlim_cur / 4 * 3;
		span = limit.rlim_cur - base + 1;
	}
	high = pw_sys(SYS_fcntl, fd, F_DUPFD_CLOEXEC,
		      base + atomic_fetch_add(&turn, 1) % span);
	if (high < 0)
		high = pw_sys(SYS_fcntl, fd, F_DUPFD_CLOEXEC, base);
	if (high < 0)
		return fd;
	pw_sys(SYS_close, fd);
	return (int)high;
}

/**
 * pw_channel_open() - Connect to the helper
 * @may_block: wait where its backlog is full, instead of -EAGAIN
 *
 * Return: a close-on-exec descriptor in blocking mode, or -errno;
 *	-ECONNREFUSED where the helper is gone or out of reach, or somebody
 *	else listens in its place
 */
int pw_channel_open(bool may_block)
{
	int type = SOCK_SEQPACKET | SOCK_CLOEXEC |
		   (may_block ? 0 : SOCK_NONBLOCK);
	const struct pw_channel *ch = pw_channel();
	int fd = ch->is_set ? open_either(ch, type) : -ECONNREFUSED;

	if (fd == -ECONNREFUSED)
		fd = pw_lifeline_open(type, may_block);
	if (fd < 0)
		return fd;
	if (!may_block)
		pw_sys(SYS_fcntl, fd, F_SETFL, 0);
	return move_high(fd);
}

/* Whether the helper can be connected to, but by what is kept. */
bool pw_channel_is_near(void)
{
	const struct pw_channel *ch = pw_channel();
	int fd = open_either(ch, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0)
		pw_sys(SYS_close, fd);
	return fd >= 0 || fd == -EAGAIN;
}

/**
 * pw_channel_send() - Send a request, and a descriptor with it
 * @ctl: from pw_channel_open()
 * @request: version and token are filled in here
 * @lent_fd: stays the caller's; -1 for none
 *
 * Never waits: the first packet of a connection always finds room.
 *
 * Return: 0 or -errno
 */
int pw_channel_send(int ctl, struct pw_request *request, int lent_fd)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { .iov_base = request, .iov_len = sizeof(*request) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	long ret;

	request->version = PW_WIRE_VERSION;
	memcpy(request->token, pw_channel()->token, PW_TOKEN_BYTES);
	if (lent_fd >= 0) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = sizeof(control.bytes);
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.head), &lent_fd, sizeof(int));
	}
	ret = pw_sys(SYS_sendmsg, ctl, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	return ret < 0 ? (int)ret : 0;
}

/**
 * pw_channel_hold() - Keep a control connection from being writable
 * @ctl: on which the request was sent
 *
 * A message that nobody reads takes the room that there is for more. The
 * helper reads it when it has answered that all is well, and hangs up without
 * having read it when it is not. It does neither where it has answered
 * already.
 */
void pw_channel_hold(int ctl)
{
	static const char message[PW_HOLD_BYTES];
	int least = 0;

	pw_sys(SYS_setsockopt, ctl, SOL_SOCKET, SO_SNDBUF, &least,
	       sizeof(least));
	pw_sys(SYS_sendto, ctl, message, sizeof(message),
	       MSG_NOSIGNAL | MSG_DONTWAIT, NULL, 0);
}

/**
 * pw_channel_peek() - Look whether the reply is there
 * @reply: filled in; a helper that has died counts as ECONNREFUSED
 *
 * The reply stays in the socket, for a fork child may wait for it too.
 *
 * Return: true and the reply, or 0 where it has not come yet
 */
int pw_channel_peek(int ctl, struct pw_reply *reply)
{
	long n = pw_sys(SYS_recvfrom, ctl, reply, sizeof(*reply),
			MSG_PEEK | MSG_DONTWAIT, NULL, NULL);

	/* It hung up over a message of ours, which is told once. */
	if (n == -ECONNRESET)
		n = pw_sys(SYS_recvfrom, ctl, reply, sizeof(*reply),
			   MSG_PEEK | MSG_DONTWAIT, NULL, NULL);
	if (n == -EAGAIN || n == -EINTR)
		return false;
	if (n != sizeof(*reply) || reply->version != PW_WIRE_VERSION)
		*reply = (struct pw_reply){ .error = ECONNREFUSED };
	return true;
}

/**
 * pw_channel_ask() - A request and its reply, waiting for it
 *
 * Return: 0 with @reply filled in (its error may be set), or -errno
 * Context: may block; goes on waiting after a signal
 */
int pw_channel_ask(struct pw_request *request, struct pw_reply *reply)
{
	int ctl = pw_channel_open(true);
	long n;
	int ret;

	if (ctl < 0)
		return ctl;
	ret = pw_channel_send(ctl, request, -1);
	if (ret == 0) {
		do
			n = pw_sys(SYS_recvfrom, ctl, reply, sizeof(*reply), 0,
				   NULL, NULL);
		while (n == -EINTR);
		if (n != sizeof(*reply) || reply->version != PW_WIRE_VERSION)
			ret = -ECONNREFUSED;
	}
	pw_sys(SYS_close, ctl);
	return ret;
}

/* Send a request that has no reply; what cannot be delivered is dropped. */
void pw_channel_tell(struct pw_request *request)
{
	int ctl = pw_channel_open(false);

	if (ctl < 0)
		return;
	pw_channel_send(ctl, request, -1);
	pw_sys(SYS_close, ctl);
}

/* Put a string of the application's into a request, cut to what fits. */
void pw_request_set_name(struct pw_request *request, const char *name)
{
	size_t n = strnlen(name, PW_NAME_BYTES);

	request->name_bytes = (uint32_t)n;
	memcpy(request->name, name, n);
}

/**
 * pw_blocked() - Have the user told that something was refused
 * @what: what kind
 * @addr: where it would have gone, or NULL
 * @name: a function or kind of socket, or NULL
 *
 * Context: never blocks; leaves errno alone
 */
void pw_blocked(enum pw_blocked what, const struct pw_addr *addr,
		const char *name)
{
	struct pw_request request = { .op = PW_OP_BLOCKED,
				      .detail = (uint16_t)what };

	if (addr)
		request.addr = *addr;
	if (name)
		pw_request_set_name(&request, name);
	pw_channel_tell(&request);
}
