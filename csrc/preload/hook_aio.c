/* SPDX-License-Identifier: MIT */
/*
 * Asynchronous I/O: libc, or the kernel, does it later and past every hook. So
 * on a pending socket an operation is over before it begins, with the error
 * that the kernel gives. Where it would have to wait for the connection it is
 * refused with EAGAIN, which POSIX has for a lack of resources.
 */
#include "bus.h"
#include "gate.h"
#include "libc.h"
#include "sockaddr.h"
#include "submit.h"

#include <fcntl.h>
#include <linux/aio_abi.h>

/* What aio_error() and aio_return() look at; the same in glibc and musl. */
struct outcome {
	int error;
	ssize_t result;
};

static const size_t outcome_at =
	offsetof(struct aiocb, aio_offset) - sizeof(struct outcome);

#ifdef __GLIBC__
_Static_assert(offsetof(struct aiocb, __error_code) + sizeof(struct outcome) ==
		       offsetof(struct aiocb, aio_offset),
	       "glibc's order of members");
#endif

/* Whether an operation would wait until the socket is connected. */
static bool would_wait(int fd)
{
	return pw_is_busy() && pw_is_held(fd) &&
	       pw_state_of(fd) == PW_LOAN_PENDING &&
	       !(pw_sys(SYS_fcntl, fd, F_GETFL) & O_NONBLOCK);
}

/* Return: PW_GO_ON, or the operation's result */
static int before_operation(const struct aiocb *cb, bool is_write)
{
	int fd = cb->aio_fildes, ret = PW_GO_ON;

	if (pw_is_busy() && pw_is_held(fd))
		ret = pw_before_io(fd, MSG_DONTWAIT,
				   is_write ? SO_SNDTIMEO : SO_RCVTIMEO,
				   is_write || cb->aio_nbytes ? PW_GO_ON : 0);
	if (ret == PW_GO_ON && is_write && pw_on_bus(fd) &&
	    pw_bus_verdict(fd, (const void *)cb->aio_buf, cb->aio_nbytes) < 0)
		return -EACCES;
	return ret;
}

static void set_outcome(struct aiocb *cb, int ret)
{
	struct outcome outcome = { .error = ret < 0 ? -ret : 0,
				   .result = ret < 0 ? -1 : ret };

	memcpy((char *)cb + outcome_at, &outcome, sizeof(outcome));
}

/*
 * libc tells of an empty list what it would tell of an operation's end. Not of
 * a copy: musl looks at it later.
 */
static void notify(struct aiocb *cb)
{
	struct aiocb *none[1] = { NULL };

	if (cb->aio_sigevent.sigev_notify != SIGEV_NONE)
		pw_libc.lio_listio(LIO_NOWAIT, none, 0, &cb->aio_sigevent);
}

static int start(int (*original)(struct aiocb *), struct aiocb *cb,
		 bool is_write)
{
	int saved = errno, ret;

	if (!pw_is_looked_at())
		return original(cb);
	if (would_wait(cb->aio_fildes))
		return (int)pw_result(-EAGAIN);
	ret = before_operation(cb, is_write);
	if (ret == PW_GO_ON)
		return original(cb);
	set_outcome(cb, ret);
	notify(cb);
	errno = saved;
	return 0;
}

int hook_aio_read(struct aiocb *cb)
{
	return start(pw_libc.aio_read, cb, false);
}

int hook_aio_read64(struct aiocb *cb)
{
	return start(pw_libc.aio_read64, cb, false);
}

int hook_aio_write(struct aiocb *cb)
{
	return start(pw_libc.aio_write, cb, true);
}

int hook_aio_write64(struct aiocb *cb)
{
	return start(pw_libc.aio_write64, cb, true);
}

typedef int list_function(int mode, struct aiocb *const list[], int n,
			  struct sigevent *event);

static bool moves_bytes(const struct aiocb *cb)
{
	return cb && (cb->aio_lio_opcode == LIO_READ ||
		      cb->aio_lio_opcode == LIO_WRITE);
}

static bool any_would_wait(struct aiocb *const list[], int n)
{
	for (int i = 0; i < n; i++)
		if (moves_bytes(list[i]) && would_wait(list[i]->aio_fildes))
			return true;
	return false;
}

/*
 * Those that are over are left out of what libc is given, whatever the mode:
 * musl begins in each.
 */
static int start_list(list_function *original, int mode,
		      struct aiocb *const list[], int n, struct sigevent *event)
{
	size_t bytes = (size_t)n * sizeof(list[0]);
	struct aiocb **left = pw_map_zeroes(bytes);
	bool has_failed = false;
	int ret;

	if (!left)
		return (int)pw_result(-EAGAIN);
	for (int i = 0; i < n; i++) {
		ret = moves_bytes(list[i])
			      ? before_operation(list[i],
						 list[i]->aio_lio_opcode ==
							 LIO_WRITE)
			      : PW_GO_ON;
		if (ret == PW_GO_ON) {
			left[i] = list[i];
			continue;
		}
		set_outcome(list[i], ret);
		has_failed |= ret < 0;
	}
	ret = original(mode, left, n, event);
	pw_sys(SYS_munmap, left, bytes);
	if (ret == 0 && has_failed && mode == LIO_WAIT)
		return (int)pw_result(-EIO);
	return ret;
}

static int list_seen(list_function *original, int mode,
		     struct aiocb *const list[], int n, struct sigevent *event)
{
	if (!pw_is_looked_at() || n <= 0)
		return original(mode, list, n, event);
	if (any_would_wait(list, n))
		return (int)pw_result(-EAGAIN);
	return start_list(original, mode, list, n, event);
}

int hook_lio_listio(int mode, struct aiocb *const list[], int n,
		    struct sigevent *event)
{
	return list_seen(pw_libc.lio_listio, mode, list, n, event);
}

int hook_lio_listio64(int mode, struct aiocb *const list[], int n,
		      struct sigevent *event)
{
	return list_seen(pw_libc.lio_listio64, mode, list, n, event);
}

/**
 * pw_may_submit() - Whether the kernel may be given operations by io_submit()
 * @list: as the application gave it
 */
bool pw_may_submit(struct iocb *const *list, long n)
{
	for (long i = 0; pw_is_busy() && i < n; i++) {
		if (!pw_readable(&list[i], sizeof(list[i])) ||
		    !pw_readable(list[i], sizeof(*list[i])))
			break; /* the kernel says EFAULT */
		if (pw_is_held((int)list[i]->aio_fildes) &&
		    pw_before_io((int)list[i]->aio_fildes, MSG_DONTWAIT,
				 SO_SNDTIMEO, -EAGAIN) != PW_GO_ON)
			return false;
	}
	return true;
}
