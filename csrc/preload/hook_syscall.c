/* SPDX-License-Identifier: MIT */
/*
 * libc's syscall(): a number that a hook exists for takes the hook's way, any
 * other passes untouched.
 */
#include "leave.h"
#include "libc.h"
#include "submit.h"

#include <sys/syscall.h>

#define PTR(type, value) ((type)(uintptr_t)(value))

static bool wait_call(long nr, const long v[6], long *ret)
{
	switch (nr) {
#ifdef SYS_poll
	case SYS_poll:
		*ret = hook_poll(PTR(struct pollfd *, v[0]), (nfds_t)v[1],
				 (int)v[2]);
		return true;
	case SYS_select:
		*ret = hook_select((int)v[0], PTR(fd_set *, v[1]),
				   PTR(fd_set *, v[2]), PTR(fd_set *, v[3]),
				   PTR(struct timeval *, v[4]));
		return true;
	case SYS_epoll_wait:
		*ret = hook_epoll_wait((int)v[0],
				       PTR(struct epoll_event *, v[1]),
				       (int)v[2], (int)v[3]);
		return true;
	case SYS_epoll_create:
		*ret = hook_epoll_create((int)v[0]);
		return true;
#endif
	case SYS_epoll_create1:
		*ret = hook_epoll_create1((int)v[0]);
		return true;
	case SYS_epoll_ctl:
		*ret = hook_epoll_ctl((int)v[0], (int)v[1], (int)v[2],
				      PTR(struct epoll_event *, v[3]));
		return true;
	case SYS_epoll_pwait:
		*ret = hook_epoll_pwait(
			(int)v[0], PTR(struct epoll_event *, v[1]), (int)v[2],
			(int)v[3], PTR(const sigset_t *, v[4]));
		return true;
	case SYS_pselect6:
		/* Its sixth argument is a pair: a mask and the mask's size. */
		*ret = hook_pselect(
			(int)v[0], PTR(fd_set *, v[1]), PTR(fd_set *, v[2]),
			PTR(fd_set *, v[3]), PTR(const struct timespec *, v[4]),
			v[5] ? *PTR(const sigset_t *const *, v[5]) : NULL);
		return true;
	case SYS_epoll_pwait2:
		*ret = hook_epoll_pwait2(
			(int)v[0], PTR(struct epoll_event *, v[1]), (int)v[2],
			PTR(const struct timespec *, v[3]),
			PTR(const sigset_t *, v[4]));
		return true;
	case SYS_ppoll:
		*ret = hook_ppoll(PTR(struct pollfd *, v[0]), (nfds_t)v[1],
				  PTR(const struct timespec *, v[2]),
				  PTR(const sigset_t *, v[3]));
		return true;
	default:
		return false;
	}
}

static bool descriptor_call(long nr, const long v[6], long *ret)
{
	switch (nr) {
	case SYS_close:
		*ret = hook_close((int)v[0]);
		return true;
	case SYS_close_range:
		*ret = hook_close_range((unsigned int)v[0], (unsigned int)v[1],
					(int)v[2]);
		return true;
	case SYS_dup:
		*ret = hook_dup((int)v[0]);
		return true;
#ifdef SYS_dup2
	case SYS_dup2:
		*ret = hook_dup2((int)v[0], (int)v[1]);
		return true;
#endif
	case SYS_dup3:
		*ret = hook_dup3((int)v[0], (int)v[1], (int)v[2]);
		return true;
	case SYS_fcntl:
		*ret = hook_fcntl((int)v[0], (int)v[1], v[2]);
		return true;
	case SYS_execve:
		*ret = hook_execve(PTR(const char *, v[0]),
				   PTR(char *const *, v[1]),
				   PTR(char *const *, v[2]));
		return true;
	case SYS_execveat:
		*ret = hook_execveat((int)v[0], PTR(const char *, v[1]),
				     PTR(char *const *, v[2]),
				     PTR(char *const *, v[3]), (int)v[4]);
		return true;
	default:
		return false;
	}
}

static bool byte_call(long nr, const long v[6], long *ret)
{
	switch (nr) {
	case SYS_read:
		*ret = hook_read((int)v[0], PTR(void *, v[1]), (size_t)v[2]);
		return true;
	case SYS_write:
		*ret = hook_write((int)v[0], PTR(const void *, v[1]),
				  (size_t)v[2]);
		return true;
	case SYS_readv:
		*ret = hook_readv((int)v[0], PTR(const struct iovec *, v[1]),
				  (int)v[2]);
		return true;
	case SYS_writev:
		*ret = hook_writev((int)v[0], PTR(const struct iovec *, v[1]),
				   (int)v[2]);
		return true;
	case SYS_preadv2:
		*ret = hook_preadv2((int)v[0], PTR(const struct iovec *, v[1]),
				    (int)v[2], (off_t)v[3], (int)v[5]);
		return true;
	case SYS_pwritev2:
		*ret = hook_pwritev2((int)v[0], PTR(const struct iovec *, v[1]),
				     (int)v[2], (off_t)v[3], (int)v[5]);
		return true;
	case SYS_sendfile:
		*ret = hook_sendfile((int)v[0], (int)v[1], PTR(off_t *, v[2]),
				     (size_t)v[3]);
		return true;
	case SYS_splice:
		*ret = hook_splice((int)v[0], PTR(off_t *, v[1]), (int)v[2],
				   PTR(off_t *, v[3]), (size_t)v[4],
				   (unsigned int)v[5]);
		return true;
	case SYS_recvfrom:
		*ret = hook_recvfrom((int)v[0], PTR(void *, v[1]), (size_t)v[2],
				     (int)v[3], PTR(struct sockaddr *, v[4]),
				     PTR(socklen_t *, v[5]));
		return true;
	case SYS_recvmsg:
		*ret = hook_recvmsg((int)v[0], PTR(struct msghdr *, v[1]),
				    (int)v[2]);
		return true;
	case SYS_recvmmsg:
		*ret = hook_recvmmsg((int)v[0], PTR(struct mmsghdr *, v[1]),
				     (unsigned int)v[2], (int)v[3],
				     PTR(struct timespec *, v[4]));
		return true;
	case SYS_io_submit:
		if (pw_may_submit(PTR(struct iocb *const *, v[2]), v[1]))
			return false;
		*ret = pw_result(-EAGAIN);
		return true;
	default:
		return false;
	}
}

static bool network_call(long nr, const long v[6], long *ret)
{
	switch (nr) {
	case SYS_socket:
		*ret = hook_socket((int)v[0], (int)v[1], (int)v[2]);
		return true;
	case SYS_connect:
		*ret = hook_connect((int)v[0],
				    PTR(const struct sockaddr *, v[1]),
				    (socklen_t)v[2]);
		return true;
	case SYS_shutdown:
		*ret = hook_shutdown((int)v[0], (int)v[1]);
		return true;
	case SYS_getsockopt:
		*ret = hook_getsockopt((int)v[0], (int)v[1], (int)v[2],
				       PTR(void *, v[3]),
				       PTR(socklen_t *, v[4]));
		return true;
	case SYS_setsockopt:
		*ret = hook_setsockopt((int)v[0], (int)v[1], (int)v[2],
				       PTR(const void *, v[3]),
				       (socklen_t)v[4]);
		return true;
	case SYS_getpeername:
		*ret = hook_getpeername((int)v[0], PTR(struct sockaddr *, v[1]),
					PTR(socklen_t *, v[2]));
		return true;
	case SYS_sendto:
		*ret = hook_sendto((int)v[0], PTR(const void *, v[1]),
				   (size_t)v[2], (int)v[3],
				   PTR(const struct sockaddr *, v[4]),
				   (socklen_t)v[5]);
		return true;
	case SYS_sendmsg:
		*ret = hook_sendmsg((int)v[0], PTR(const struct msghdr *, v[1]),
				    (int)v[2]);
		return true;
	case SYS_sendmmsg:
		*ret = hook_sendmmsg((int)v[0], PTR(struct mmsghdr *, v[1]),
				     (unsigned int)v[2], (int)v[3]);
		return true;
	case SYS_io_uring_setup:
		/* It could connect and send by itself; programs fall back. */
		*ret = pw_result(-ENOSYS);
		return true;
	default:
		return false;
	}
}

long hook_syscall(long nr, long a, long b, long c, long d, long e, long f)
{
	const long v[6] = { a, b, c, d, e, f };
	long ret;

	if (network_call(nr, v, &ret) || descriptor_call(nr, v, &ret) ||
	    wait_call(nr, v, &ret) || byte_call(nr, v, &ret) ||
	    pw_leave_call(nr, v, &ret))
		return ret;
	return pw_libc.syscall(nr, a, b, c, d, e, f);
}
