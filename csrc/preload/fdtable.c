/* SPDX-License-Identifier: MIT */
#include "fdtable.h"

#include "guard.h"

#include <sys/mman.h>
#include <sys/stat.h>

struct pw_tables *_Atomic pw_tables;
unsigned int pw_loans_end = 1;
_Atomic uint16_t pw_slots[PW_FDS];
union pw_attention pw_attention;

static unsigned int first_free = 1; /* none below it is free */

/* Memory of our own, NULL where the process may not have any more. */
void *pw_map_zeroes(size_t bytes)
{
	long map = pw_sys(SYS_mmap, 0, bytes, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return map < 0 && map > -4096 ? NULL : (void *)map;
}

/**
 * pw_tables_map() - The tables, mapped if they are not yet
 *
 * Return: NULL where there is no memory for them; then nothing can be lent
 * Context: async-signal-safe, with or without the lock
 */
struct pw_tables *pw_tables_map(void)
{
	struct pw_tables *mine, *first = pw_mapped();

	if (first)
		return first;
	mine = pw_map_zeroes(sizeof(*mine));
	if (!mine || atomic_compare_exchange_strong(&pw_tables, &first, mine))
		return mine;
	pw_sys(SYS_munmap, mine, sizeof(*mine));
	return first;
}

/* A descriptor has, or is, a duplicate: both are lent when one is. */
void pw_note_twin(int fd)
{
	struct pw_tables *tables = pw_tables_map();

	if (tables && (unsigned int)fd < PW_FDS)
		tables->has_twin[fd] = true;
}

/**
 * pw_next_twin() - Walk the other descriptors that name the same open file
 * @fd: one of them
 * @at: the last one found, -1 to begin with
 *
 * Return: the next one, -1 for none
 */
int pw_next_twin(int fd, int at)
{
	const struct pw_tables *tables = pw_mapped();
	uint64_t ino;

	if (!tables || !tables->has_twin[fd])
		return -1;
	ino = pw_inode(fd);
	while (++at < PW_FDS)
		if (tables->has_twin[at] && at != fd && pw_inode(at) == ino)
			return at;
	return -1;
}

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
	for (unsigned int i = first_free; pw_tables_map() && i <= PW_LOANS;
	     i++) {
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
	atomic_fetch_add(&pw_attention.busy, pw_needs_attention(loan) - before);
}
