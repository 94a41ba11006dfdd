/* SPDX-License-Identifier: MIT */
// sources: csrc/preload/fdtable.c csrc/preload/guard.c
#include "preload/fdtable.h"

#include "tap.h"

#include <unistd.h>

static void test_slots(void)
{
	is(pw_slot(-1), 0, "no descriptor, no slot");
	is(pw_slot(PW_FDS), 0, "none beyond the table");
	is(pw_slot(INT32_MAX), 0, "by far");
	is(pw_slot(INT32_MIN), 0, "nor below");
	pw_slot_set(-1, 5);
	pw_slot_set(PW_FDS, 5);
	pw_slot_set(INT32_MAX, 5);
	ok(true, "setting one there is nothing");
	pw_slot_set(PW_FDS - 1, PW_SLOT_CTL);
	is(pw_slot(PW_FDS - 1), PW_SLOT_CTL, "the last one can be set");
	ok(!pw_loan_in_slot(PW_FDS - 1), "a control connection is no loan");
	pw_slot_set(PW_FDS - 1, PW_SLOT_SETS);
	ok(!pw_loan_in_slot(PW_FDS - 1), "nor is an epoll set");
	pw_slot_set(PW_FDS - 1, PW_SLOT_NONE);
	ok(!pw_loan_in_slot(PW_FDS - 1), "nor is nothing");
}

static void test_states(void)
{
	struct pw_loan *loan = pw_loan_new(0);

	ok(loan && loan == pw_loan_in_slot(0), "a loan has its slot");
	is(loan->refs, 1, "one reference");
	is(loan->ctl, -1, "no control connection yet");
	is(loan->owner, getpid(), "an owner");
	ok(loan->ino == pw_inode(0), "and an inode");
	is(pw_attention.busy, 0, "nothing to look at");
	for (int i = 0; i < 2; i++) {
		pw_loan_set_state(loan, PW_LOAN_PENDING);
		is(pw_attention.busy, 1, "pending is to be looked at");
	}
	pw_loan_set_state(loan, PW_LOAN_FAILED);
	is(pw_attention.busy, 1, "failed too");
	pw_loan_set_state(loan, PW_LOAN_SPENT);
	is(pw_attention.busy, 0, "spent is not");
	pw_loan_set_state(loan, PW_LOAN_CONNECTED);
	pw_loan_set_state(loan, PW_LOAN_PROXIED);
	is(pw_attention.busy, 0, "nor is connected");
	pw_loan_set_state(loan, PW_LOAN_PENDING);
	pw_loan_free(loan);
	is(pw_attention.busy, 0, "nor is one that was freed");
	pw_slot_set(0, PW_SLOT_NONE);
}

static void test_places(void)
{
	struct pw_loan *first = pw_loan_new(0), *second = pw_loan_new(1),
		       *again;
	uint32_t generation = first->generation;
	unsigned int n = 2;

	ok(first && second && first != second, "two loans, two places");
	pw_loan_free(first);
	again = pw_loan_new(0);
	ok(again == first, "a free place is used again");
	is(again->generation, generation + 1, "but can be told apart");
	while (pw_loan_new(2))
		n++;
	is(n, PW_LOANS, "all places can be had");
	is(pw_loans_end, PW_LOANS + 1, "and are walked");
	pw_loan_free(second);
	ok(pw_loan_new(1) == second, "the one that is left is found");
	ok(!pw_loan_new(1), "and no other");
}

static void test_descriptors(void)
{
	int pipes[2];
	struct pw_loan *loan;

	is(pipe(pipes), 0, "a pipe");
	ok(pw_inode(pipes[0]) && pw_inode(pipes[0]) == pw_inode(pipes[1]),
	   "a pipe has one inode");
	is(pw_inode(-1), 0, "no descriptor has none");
	is(pw_inode(60000), 0, "nor has a closed one");
	pw_loan_free(&pw_loans[7]);
	loan = pw_loan_new(pipes[0]);
	is(pw_loan_fd(loan), pipes[0], "its descriptor is found");
	pw_slot_set(pipes[1], (unsigned int)(loan - pw_loans));
	close(pipes[0]);
	is(pw_loan_fd(loan), pipes[1],
	   "or another, where that was closed unseen");
	close(pipes[1]);
	is(pw_loan_fd(loan), -1, "or none");
}

int main(void)
{
	ok(!pw_mapped() && pw_slot(7) == PW_SLOT_NONE,
	   "nothing before it is needed");
	ok(pw_tables_map() == pw_tables_map(), "mapped once");
	test_slots();
	test_states();
	test_places();
	test_descriptors();
	return tap_end();
}
