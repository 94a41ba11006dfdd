/* SPDX-License-Identifier: MIT */
/**
 * DOC: The life of a loan
 *
 *	(unknown) --pw_lend--> PENDING --reply 0--> CONNECTED --connect-->
 * PROXIED |                     blocking: at once
 *	                          +----reply e--> FAILED --SO_ERROR--> SPENT
 *	                                             |                   |
 *	                                             +----connect--------+-->
 * (unknown)
 *
 * A close, shutdown or connect(AF_UNSPEC) in any state leads to (unknown) and,
 * by closing the control connection, has the helper let go; see giveup.h. Where
 * that takes it too long, shutdown and connect(AF_UNSPEC) lead to GIVEN_UP,
 * which differs from (unknown) by what a close does.
 */
#ifndef PW_LEND_H
#define PW_LEND_H

#include "loan.h"

extern _Atomic bool pw_lent_ever PW_HIDDEN;

/* Whether a descriptor may be one that bytes must not pass. */
static inline bool pw_is_held(int fd)
{
	const struct pw_loan *loan = pw_loan_in_slot(fd);

	return loan && pw_needs_attention(loan);
}

/* These take the lock themselves. */
int pw_lend(int fd, const struct pw_addr *dest) PW_HIDDEN;
int pw_before_io(int fd, int flags, int timeout, int check) PW_HIDDEN;
void pw_await(int fd) PW_HIDDEN;
int pw_settle_fd(int fd) PW_HIDDEN;
enum pw_loan_state pw_state_of(int fd) PW_HIDDEN;
bool pw_peer_of(int fd, struct pw_addr *out) PW_HIDDEN;
int pw_take_error(int fd) PW_HIDDEN;

/* For lend.c and lent.c only. */
bool pw_is_nonblocking(int fd) PW_HIDDEN;
void pw_copy_timeout(int fd, int ctl, int option) PW_HIDDEN;
int pw_wait_pending(int fd, const struct pw_loan *expected,
		    uint32_t generation) PW_HIDDEN;

#endif
