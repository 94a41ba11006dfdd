/* SPDX-License-Identifier: MIT */
#include "pollset.h"

#include "channel.h"
#include "epollset.h"
#include "guard.h"
#include "lend.h"
#include "libc.h"
#include "nested.h"
#include "sockaddr.h"

#include <sys/mman.h>

enum {
	ON_STACK = 128 /* more are copied to memory of their own */
};

/*
 * In a vfork child: the table is its parent's, so it is looked at without the
 * lock, and not changed. The control connections are copies.
 */
PW_APART static bool substitute_borrowed(struct pollfd *shown, nfds_t n)
{
	struct pw_reply reply;
	bool any = false;

	for (nfds_t i = 0; i < n; i++) {
		const struct pw_loan *loan = pw_loan_in_slot(shown[i].fd);
		int ctl = loan ? loan->ctl : -1;

		shown[i].revents = 0;
		if (ctl < 0 || loan->state != PW_LOAN_PENDING ||
		    loan->ino != pw_inode(shown[i].fd) ||
		    pw_channel_peek(ctl, &reply))
			continue;
		shown[i].fd = ctl;
		shown[i].events = POLLIN;
		any = true;
	}
	return any;
}

/*
 * Fill @shown with what to wait for. Return whether anything in it stands for
 * something else: a pending socket, or an epoll set that has stand-ins.
 */
static bool substitute(const struct pollfd *fds, struct pollfd *shown, nfds_t n)
{
	bool any = false;
	PW_GUARD guard = { 0 };

	if (n > 0)
		memcpy(shown, fds, n * sizeof(*fds));
	if (!pw_guard_enter(&guard))
		return substitute_borrowed(shown, n);
	for (nfds_t i = 0; i < n; i++) {
		struct pw_loan *loan = pw_loan_in_slot(fds[i].fd);
		int set = pw_set_of(fds[i].fd);

		shown[i].revents = 0;
		any |= set >= 0 && pw_set_has_standins(set);
		if (!loan || !pw_needs_attention(loan))
			continue;
		loan = pw_loan_of(fds[i].fd);
		if (!loan || pw_settle(loan))
			continue;
		shown[i].fd = loan->ctl;
		shown[i].events = POLLIN;
		any = true;
	}
	return any;
}

/* Whether something stirred that stands for a socket. */
static bool has_stirred(const struct pollfd *fds, const struct pollfd *shown,
			nfds_t n)
{
	for (nfds_t i = 0; i < n; i++)
		if (fds[i].fd != shown[i].fd && shown[i].revents)
			return true;
	return false;
}

/* Settle what has stirred; return whether the picture has changed by it. */
static bool settle(const struct pollfd *fds, const struct pollfd *shown,
		   nfds_t n)
{
	bool changed = false;
	PW_GUARD guard = { 0 };

	if (!pw_guard_enter(&guard))
		return has_stirred(fds, shown, n);
	for (nfds_t i = 0; i < n; i++) {
		struct pw_loan *loan;

		if (!shown[i].revents)
			continue;
		if (fds[i].fd != shown[i].fd) {
			loan = pw_loan_of(fds[i].fd);
			changed |= !loan || pw_settle(loan) ||
				   loan->ctl != shown[i].fd;
		} else {
			changed |= pw_set_settle(pw_set_of(fds[i].fd));
		}
	}
	return changed;
}

static int wait_in_parts(struct pollfd *fds, struct pollfd *shown, nfds_t n,
			 const struct timespec *timeout, const sigset_t *mask)
{
	struct pw_deadline deadline = pw_deadline_in(timeout);
	struct timespec left;
	int ret;

	for (;;) {
		bool any = substitute(fds, shown, n);

		ret = pw_libc.ppoll(shown, n, pw_remaining(&deadline, &left),
				    mask);
		if (ret <= 0 || !any || !settle(fds, shown, n))
			break;
	}
	for (nfds_t i = 0; ret >= 0 && i < n; i++) {
		/* A control connection that has stirred without a reply. */
		if (fds[i].fd != shown[i].fd && shown[i].revents) {
			shown[i].revents = 0;
			ret--;
		}
		fds[i].revents = shown[i].revents;
	}
	return ret;
}

/* Whether the array can be read; the kernel has the error for one that cannot.
 */
static bool is_sane(const struct pollfd *fds, nfds_t n)
{
	if (n == 0 || n > 16UL * PW_FDS)
		return n == 0;
	return pw_readable(fds, sizeof(*fds)) &&
	       pw_readable(&fds[n - 1], sizeof(*fds));
}

/**
 * pw_poll() - ppoll() as if pending sockets were in SYN_SENT
 * @fds: the application's array; written only as the kernel would
 * @mask: as for ppoll()
 *
 * Context: blocks as asked; sets errno as ppoll() does
 */
int pw_poll(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
	    const sigset_t *mask)
{
	size_t bytes = n * sizeof(*fds);
	struct pollfd *shown;
	long mapped = 0;
	int ret;

	if (!is_sane(fds, n))
		return pw_libc.ppoll(fds, n, timeout, mask);
	if (n <= ON_STACK) {
		shown = __builtin_alloca(bytes);
	} else {
		mapped = pw_sys(SYS_mmap, 0, bytes, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (mapped < 0 && mapped > -4096)
			return (int)pw_result(-ENOMEM);
		shown = (struct pollfd *)mapped;
	}
	ret = wait_in_parts(fds, shown, n, timeout, mask);
	if (mapped)
		pw_sys(SYS_munmap, mapped, bytes);
	return ret;
}
