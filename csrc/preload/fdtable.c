/* SPDX-License-Identifier: MIT */
#include "fdtable.h"

#include "guard.h"

#include <sys/stat.h>

_Atomic uint16_t pw_slots[PW_FDS];
struct pw_loan pw_loans[PW_LOANS + 1];
unsigned int pw_loans_end = 1;
_Atomic int pw_busy;

static unsigned int first_free = 1; /* none below it is free */

/* The inode of an open descriptor, 0 for a closed one. */
uint64_t pw_inode(int fd)
{
	struct stat st;

	return pw_sys(SYS_fstat, fd, &st) == 0 ? st.st_ino : 0;
}

/**
 * pw_loan_new() - Remember a socket as lent, in no state yet
 * @fd: less than PW_FDS, its slot empty
 *
 * Free places are searched for, not listed: a list could be copied by fork in
 * the middle of a change.
 *
 * Return: the loan with one reference, or NULL where all places are taken
 */
struct pw_loan *pw_loan_new(int fd)
{
	for (unsigned int i = first_free; i <= PW_LOANS; i++) {
		struct pw_loan *loan = &pw_loans[i];
		uint32_t generation = loan->generation + 1;

		if (loan->refs)
			continue;
		first_free = i + 1;
		if (i >= pw_loans_end)
			pw_loans_end = i + 1;
		*loan = (struct pw_loan){
			.refs = 1,
			.ctl = -1,
			.owner = pw_self(),
			.generation = generation,
			.ino = pw_inode(fd),
		};
		pw_slot_set(fd, i);
		return loan;
	}
	return NULL;
}

/* Its place may be used again; the generation tells who comes late. */
void pw_loan_free(struct pw_loan *loan)
{
	unsigned int place = (unsigned int)(loan - pw_loans);

	pw_loan_set_state(loan, PW_LOAN_FREE);
	loan->refs = 0;
	if (place < first_free)
		first_free = place;
}

/* The loan that the table has for a descriptor, which may be stale. */
struct pw_loan *pw_loan_in_slot(int fd)
{
	unsigned int slot = pw_slot(fd);

	return slot >= 1 && slot <= PW_LOANS ? &pw_loans[slot] : NULL;
}

/* Any descriptor of a loan; -1 where all have been closed unseen. */
int pw_loan_fd(const struct pw_loan *loan)
{
	unsigned int slot = (unsigned int)(loan - pw_loans);

	for (int fd = 0; fd < PW_FDS; fd++)
		if (pw_slot(fd) == slot && pw_inode(fd) == loan->ino)
			return fd;
	return -1;
}

/* Change the state, and with it what the fast paths test. */
void pw_loan_set_state(struct pw_loan *loan, enum pw_loan_state state)
{
	int before = pw_needs_attention(loan);

	loan->state = (uint8_t)state;
	atomic_fetch_add(&pw_busy, pw_needs_attention(loan) - before);
}
