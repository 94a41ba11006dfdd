/* SPDX-License-Identifier: MIT */
/*
 * No program: another preloaded library, whose functions make their system
 * calls by libc's syscall(), as Debian's libmptcpwrap does.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum {
	MASK_BYTES = 8
};

#define BELOW(name, params, ...)                               \
	__attribute__((visibility("default"))) int name params \
	{                                                      \
		return (int)syscall(__VA_ARGS__);              \
	}
#define BELOW_MOVED(name, params, ...)                             \
	__attribute__((visibility("default"))) ssize_t name params \
	{                                                          \
		return (ssize_t)syscall(__VA_ARGS__);              \
	}

BELOW(socket, (int family, int type, int protocol), SYS_socket, family, type,
      protocol)
BELOW(connect, (int fd, const struct sockaddr *addr, socklen_t n), SYS_connect,
      fd, addr, n)
BELOW(shutdown, (int fd, int how), SYS_shutdown, fd, how)
BELOW(getsockopt, (int fd, int level, int name, void *value, socklen_t *n),
      SYS_getsockopt, fd, level, name, value, n)
BELOW(setsockopt, (int fd, int level, int name, const void *value, socklen_t n),
      SYS_setsockopt, fd, level, name, value, n)
BELOW(getpeername, (int fd, struct sockaddr *addr, socklen_t *n),
      SYS_getpeername, fd, addr, n)
BELOW(close, (int fd), SYS_close, fd)
BELOW(dup, (int fd), SYS_dup, fd)
BELOW(dup2, (int fd, int to), SYS_dup2, fd, to)
BELOW(dup3, (int fd, int to, int flags), SYS_dup3, fd, to, flags)
BELOW(poll, (struct pollfd * fds, nfds_t n, int ms), SYS_poll, fds, n, ms)
BELOW(select,
      (int n, fd_set *in, fd_set *out, fd_set *except, struct timeval *timeout),
      SYS_select, n, in, out, except, timeout)
BELOW(epoll_create, (int size), SYS_epoll_create, size)
BELOW(epoll_create1, (int flags), SYS_epoll_create1, flags)
BELOW(epoll_ctl, (int ep, int op, int fd, struct epoll_event *event),
      SYS_epoll_ctl, ep, op, fd, event)
BELOW(epoll_wait, (int ep, struct epoll_event *events, int max, int ms),
      SYS_epoll_wait, ep, events, max, ms)
BELOW(epoll_pwait,
      (int ep, struct epoll_event *events, int max, int ms,
       const sigset_t *mask),
      SYS_epoll_pwait, ep, events, max, ms, mask, MASK_BYTES)
BELOW(execve, (const char *path, char *const argv[], char *const envp[]),
      SYS_execve, path, argv, envp)
BELOW_MOVED(read, (int fd, void *buf, size_t n), SYS_read, fd, buf, n)
BELOW_MOVED(write, (int fd, const void *buf, size_t n), SYS_write, fd, buf, n)
BELOW_MOVED(readv, (int fd, const struct iovec *iov, int n), SYS_readv, fd, iov,
	    n)
BELOW_MOVED(writev, (int fd, const struct iovec *iov, int n), SYS_writev, fd,
	    iov, n)
BELOW_MOVED(send, (int fd, const void *buf, size_t n, int flags), SYS_sendto,
	    fd, buf, n, flags, NULL, 0)
BELOW_MOVED(sendto,
	    (int fd, const void *buf, size_t n, int flags,
	     const struct sockaddr *addr, socklen_t len),
	    SYS_sendto, fd, buf, n, flags, addr, len)
BELOW_MOVED(sendmsg, (int fd, const struct msghdr *msg, int flags), SYS_sendmsg,
	    fd, msg, flags)
BELOW_MOVED(recv, (int fd, void *buf, size_t n, int flags), SYS_recvfrom, fd,
	    buf, n, flags, NULL, NULL)
BELOW_MOVED(recvfrom,
	    (int fd, void *restrict buf, size_t n, int flags,
	     struct sockaddr *restrict addr, socklen_t *restrict len),
	    SYS_recvfrom, fd, buf, n, flags, addr, len)
BELOW_MOVED(recvmsg, (int fd, struct msghdr *msg, int flags), SYS_recvmsg, fd,
	    msg, flags)
BELOW_MOVED(sendfile, (int out, int in, off_t *at, size_t n), SYS_sendfile, out,
	    in, at, n)
BELOW_MOVED(splice,
	    (int in, off_t *at, int out, off_t *to, size_t n,
	     unsigned int flags),
	    SYS_splice, in, at, out, to, n, flags)
#ifdef __GLIBC__
BELOW(sendmmsg, (int fd, struct mmsghdr *msgs, unsigned int n, int flags),
      SYS_sendmmsg, fd, msgs, n, flags)
BELOW(recvmmsg,
      (int fd, struct mmsghdr *msgs, unsigned int n, int flags,
       struct timespec *timeout),
      SYS_recvmmsg, fd, msgs, n, flags, timeout)
BELOW(epoll_pwait2,
      (int ep, struct epoll_event *events, int max,
       const struct timespec *timeout, const sigset_t *mask),
      SYS_epoll_pwait2, ep, events, max, timeout, mask, MASK_BYTES)
BELOW_MOVED(preadv2,
	    (int fd, const struct iovec *iov, int n, off_t at, int how),
	    SYS_preadv2, fd, iov, n, at, 0, how)
BELOW_MOVED(pwritev2,
	    (int fd, const struct iovec *iov, int n, off_t at, int how),
	    SYS_pwritev2, fd, iov, n, at, 0, how)
#endif

__attribute__((visibility("default"))) int ppoll(struct pollfd *fds, nfds_t n,
						 const struct timespec *timeout,
						 const sigset_t *mask)
{
	struct timespec left = timeout ? *timeout : (struct timespec){ 0 };

	return (int)syscall(SYS_ppoll, fds, n, timeout ? &left : NULL, mask,
			    MASK_BYTES);
}

__attribute__((visibility("default"))) int
pselect(int n, fd_set *in, fd_set *out, fd_set *except,
	const struct timespec *timeout, const sigset_t *mask)
{
	struct timespec left = timeout ? *timeout : (struct timespec){ 0 };
	struct {
		const sigset_t *mask;
		size_t bytes;
	} pair = { mask, MASK_BYTES };

	return (int)syscall(SYS_pselect6, n, in, out, except,
			    timeout ? &left : NULL, &pair);
}

__attribute__((visibility("default"))) int fcntl(int fd, int command, ...)
{
	va_list list;
	long argument;

	va_start(list, command);
	argument = va_arg(list, long);
	va_end(list);
	return (int)syscall(SYS_fcntl, fd, command, argument);
}
