/* SPDX-License-Identifier: MIT */
/*
 * Loans and the descriptors that name them: found, copied, forgotten, and
 * settled when the helper has answered. The lock of guard.h is held, but for
 * what has it in its name.
 */
#ifndef PW_LOAN_H
#define PW_LOAN_H

#include "fdtable.h"

struct pw_loan *pw_loan_of(int fd) PW_HIDDEN;
bool pw_settle(struct pw_loan *loan) PW_HIDDEN;
void pw_lock_and_settle_all(void) PW_HIDDEN;
void pw_forget(int fd) PW_HIDDEN;
void pw_loan_give_up(struct pw_loan *loan) PW_HIDDEN;
void pw_before_last_close(int fd) PW_HIDDEN;
void pw_lock_and_forget(int fd) PW_HIDDEN;
void pw_loan_dup(int from, int to) PW_HIDDEN;
void pw_vacate(int fd) PW_HIDDEN;
void pw_disconnect(int fd) PW_HIDDEN;

#endif
