/* SPDX-License-Identifier: MIT */
#include "below.h"

#include <link.h>

/* There in both C libraries, and hooked by nobody. */
extern int pw_iterate(int (*visit)(struct dl_phdr_info *, size_t, void *),
		      void *data) __asm__("dl_iterate_phdr")
	__attribute__((weak));

/* Which of the next library's functions the thread is in. */
static PW_TLS uint64_t inside;

static long raw_ppoll(struct pollfd *fds, nfds_t n,
		      const struct timespec *timeout, const sigset_t *mask)
{
	struct timespec left = { 0 }; /* the kernel writes there */

	if (timeout)
		left = *timeout;
	return pw_sys(SYS_ppoll, fds, n, timeout ? &left : NULL, mask, 8);
}

static long raw_pselect(int n, fd_set *in, fd_set *out, fd_set *except,
			const struct timespec *timeout, const sigset_t *mask)
{
	struct {
		const sigset_t *mask;
		size_t bytes;
	} pair = { mask, 8 };
	struct timespec left = { 0 };

	if (timeout)
		left = *timeout;
	return pw_sys(SYS_pselect6, n, in, out, except, timeout ? &left : NULL,
		      &pair);
}

/* Every hook that syscall() leads to, and the system call that it ends in. */
#ifdef SYS_poll
#define OLD_CALLS(CALL)                                                        \
	CALL(int, dup2, (int fd, int to), (fd, to), pw_sys(SYS_dup2, fd, to))  \
	CALL(int, poll, (struct pollfd * fds, nfds_t n, int ms), (fds, n, ms), \
	     pw_sys(SYS_poll, fds, n, ms))                                     \
	CALL(int, select,                                                      \
	     (int n, fd_set *in, fd_set *out, fd_set *except,                  \
	      struct timeval *timeout),                                        \
	     (n, in, out, except, timeout),                                    \
	     pw_sys(SYS_select, n, in, out, except, timeout))                  \
	CALL(int, epoll_create, (int size), (size),                            \
	     pw_sys(SYS_epoll_create, size))                                   \
	CALL(int, epoll_wait,                                                  \
	     (int ep, struct epoll_event *events, int max, int ms),            \
	     (ep, events, max, ms),                                            \
	     pw_sys(SYS_epoll_wait, ep, events, max, ms))
#else
#define OLD_CALLS(CALL)
#endif

#define CALLS(CALL)                                                            \
	OLD_CALLS(CALL)                                                        \
	CALL(int, socket, (int domain, int type, int protocol),                \
	     (domain, type, protocol),                                         \
	     pw_sys(SYS_socket, domain, type, protocol))                       \
	CALL(int, connect, (int fd, const struct sockaddr *addr, socklen_t n), \
	     (fd, addr, n), pw_sys(SYS_connect, fd, addr, n))                  \
	CALL(int, shutdown, (int fd, int how), (fd, how),                      \
	     pw_sys(SYS_shutdown, fd, how))                                    \
	CALL(int, getsockopt,                                                  \
	     (int fd, int level, int name, void *value, socklen_t *n),         \
	     (fd, level, name, value, n),                                      \
	     pw_sys(SYS_getsockopt, fd, level, name, value, n))                \
	CALL(int, setsockopt,                                                  \
	     (int fd, int level, int name, const void *value, socklen_t n),    \
	     (fd, level, name, value, n),                                      \
	     pw_sys(SYS_setsockopt, fd, level, name, value, n))                \
	CALL(int, getpeername, (int fd, struct sockaddr *addr, socklen_t *n),  \
	     (fd, addr, n), pw_sys(SYS_getpeername, fd, addr, n))              \
	CALL(int, ppoll,                                                       \
	     (struct pollfd * fds, nfds_t n, const struct timespec *timeout,   \
	      const sigset_t *mask),                                           \
	     (fds, n, timeout, mask), raw_ppoll(fds, n, timeout, mask))        \
	CALL(int, pselect,                                                     \
	     (int n, fd_set *in, fd_set *out, fd_set *except,                  \
	      const struct timespec *timeout, const sigset_t *mask),           \
	     (n, in, out, except, timeout, mask),                              \
	     raw_pselect(n, in, out, except, timeout, mask))                   \
	CALL(int, epoll_create1, (int flags), (flags),                         \
	     pw_sys(SYS_epoll_create1, flags))                                 \
	CALL(int, epoll_ctl,                                                   \
	     (int ep, int op, int fd, struct epoll_event *event),              \
	     (ep, op, fd, event), pw_sys(SYS_epoll_ctl, ep, op, fd, event))    \
	CALL(int, epoll_pwait,                                                 \
	     (int ep, struct epoll_event *events, int max, int ms,             \
	      const sigset_t *mask),                                           \
	     (ep, events, max, ms, mask),                                      \
	     pw_sys(SYS_epoll_pwait, ep, events, max, ms, mask, 8))            \
	CALL(int, epoll_pwait2,                                                \
	     (int ep, struct epoll_event *events, int max,                     \
	      const struct timespec *timeout, const sigset_t *mask),           \
	     (ep, events, max, timeout, mask),                                 \
	     pw_sys(SYS_epoll_pwait2, ep, events, max, timeout, mask, 8))      \
	CALL(int, close, (int fd), (fd), pw_sys(SYS_close, fd))                \
	CALL(int, dup, (int fd), (fd), pw_sys(SYS_dup, fd))                    \
	CALL(int, dup3, (int fd, int to, int flags), (fd, to, flags),          \
	     pw_sys(SYS_dup3, fd, to, flags))                                  \
	CALL(int, fcntl, (int fd, int cmd, long arg), (fd, cmd, arg),          \
	     pw_sys(SYS_fcntl, fd, cmd, arg))                                  \
	CALL(int, execve,                                                      \
	     (const char *path, char *const argv[], char *const envp[]),       \
	     (path, argv, envp), pw_sys(SYS_execve, path, argv, envp))         \
	CALL(ssize_t, read, (int fd, void *buf, size_t n), (fd, buf, n),       \
	     pw_sys(SYS_read, fd, buf, n))                                     \
	CALL(ssize_t, write, (int fd, const void *buf, size_t n),              \
	     (fd, buf, n), pw_sys(SYS_write, fd, buf, n))                      \
	CALL(ssize_t, readv, (int fd, const struct iovec *iov, int n),         \
	     (fd, iov, n), pw_sys(SYS_readv, fd, iov, n))                      \
	CALL(ssize_t, writev, (int fd, const struct iovec *iov, int n),        \
	     (fd, iov, n), pw_sys(SYS_writev, fd, iov, n))                     \
	CALL(ssize_t, preadv2,                                                 \
	     (int fd, const struct iovec *iov, int n, off_t at, int flags),    \
	     (fd, iov, n, at, flags),                                          \
	     pw_sys(SYS_preadv2, fd, iov, n, at, 0, flags))                    \
	CALL(ssize_t, pwritev2,                                                \
	     (int fd, const struct iovec *iov, int n, off_t at, int flags),    \
	     (fd, iov, n, at, flags),                                          \
	     pw_sys(SYS_pwritev2, fd, iov, n, at, 0, flags))                   \
	CALL(ssize_t, sendfile, (int out, int in, off_t *at, size_t n),        \
	     (out, in, at, n), pw_sys(SYS_sendfile, out, in, at, n))           \
	CALL(ssize_t, splice,                                                  \
	     (int in, off_t *at, int out, off_t *to, size_t n,                 \
	      unsigned int flags),                                             \
	     (in, at, out, to, n, flags),                                      \
	     pw_sys(SYS_splice, in, at, out, to, n, flags))                    \
	CALL(ssize_t, recvfrom,                                                \
	     (int fd, void *buf, size_t n, int flags, struct sockaddr *addr,   \
	      socklen_t *len),                                                 \
	     (fd, buf, n, flags, addr, len),                                   \
	     pw_sys(SYS_recvfrom, fd, buf, n, flags, addr, len))               \
	CALL(ssize_t, recvmsg, (int fd, struct msghdr *msg, int flags),        \
	     (fd, msg, flags), pw_sys(SYS_recvmsg, fd, msg, flags))            \
	CALL(int, recvmmsg,                                                    \
	     (int fd, struct mmsghdr *msgs, unsigned int n, int flags,         \
	      struct timespec *timeout),                                       \
	     (fd, msgs, n, flags, timeout),                                    \
	     pw_sys(SYS_recvmmsg, fd, msgs, n, flags, timeout))                \
	CALL(ssize_t, sendto,                                                  \
	     (int fd, const void *buf, size_t n, int flags,                    \
	      const struct sockaddr *addr, socklen_t len),                     \
	     (fd, buf, n, flags, addr, len),                                   \
	     pw_sys(SYS_sendto, fd, buf, n, flags, addr, len))                 \
	CALL(ssize_t, sendmsg, (int fd, const struct msghdr *msg, int flags),  \
	     (fd, msg, flags), pw_sys(SYS_sendmsg, fd, msg, flags))            \
	CALL(int, sendmmsg,                                                    \
	     (int fd, struct mmsghdr *msgs, unsigned int n, int flags),        \
	     (fd, msgs, n, flags), pw_sys(SYS_sendmmsg, fd, msgs, n, flags))

enum call {
#define NUMBER(ret, name, params, args, raw) CALL_##name,
	CALLS(NUMBER)
#undef NUMBER
};

/* The next library's functions. */
static struct {
#define POINTER(ret, name, params, args, raw) ret(*name) params;
	CALLS(POINTER)
#undef POINTER
} theirs;

#define THROUGH(ret, name, params, args, raw)       \
	static ret through_##name params            \
	{                                           \
		uint64_t bit = 1ULL << CALL_##name; \
		ret result;                         \
                                                    \
		if (inside & bit)                   \
			return (ret)pw_result(raw); \
		inside |= bit;                      \
		result = theirs.name args;          \
		inside &= ~bit;                     \
		return result;                      \
	}
CALLS(THROUGH)
#undef THROUGH

struct range {
	uintptr_t inside, start, end;
};

static int find_object(struct dl_phdr_info *info, size_t size, void *data)
{
	struct range *range = data, whole = { .start = UINTPTR_MAX };
	bool is_it = false;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &info->dlpi_phdr[i];
		uintptr_t start = info->dlpi_addr + part->p_vaddr;
		uintptr_t end = start + part->p_memsz;

		if (part->p_type != PT_LOAD)
			continue;
		is_it |= range->inside >= start && range->inside < end;
		whole.start = start < whole.start ? start : whole.start;
		whole.end = end > whole.end ? end : whole.end;
	}
	if (!is_it)
		return 0;
	range->start = whole.start;
	range->end = whole.end;
	return 1;
}

/**
 * pw_below_guard() - Have calls that come back to us go to the kernel
 * @calls: resolved just now
 * @own: a function of the C library, which never comes back
 */
void pw_below_guard(struct pw_libc *calls, const void *own)
{
	struct range libc = { .inside = (uintptr_t)own };

	if (pw_iterate)
		pw_iterate(find_object, &libc);
#define GUARD(ret, name, params, args, raw)                                 \
	if ((uintptr_t)calls->name - libc.start >= libc.end - libc.start) { \
		theirs.name = calls->name;                                  \
		calls->name = through_##name;                               \
	}
	CALLS(GUARD)
#undef GUARD
}
