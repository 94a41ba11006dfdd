/* SPDX-License-Identifier: MIT */
/*
 * What the shim remembers about descriptors: which are lent sockets, control
 * connections or epoll sets. Static, indexed by descriptor, zero until used.
 *
 * Everything but the inline tests wants the lock of guard.h held.
 */
#ifndef PW_FDTABLE_H
#define PW_FDTABLE_H

#include "shim.h"

enum pw_loan_state {
	PW_LOAN_FREE = 0,
	PW_LOAN_PENDING,   /* the helper has it; still connecting */
	PW_LOAN_CONNECTED, /* connected; connect() has not said so yet */
	PW_LOAN_PROXIED,   /* connected, and connect() has said so */
	PW_LOAN_FAILED,	   /* failed; the error has not been read yet */
	PW_LOAN_SPENT,	   /* failed, the error was read by SO_ERROR */
	PW_LOAN_GIVEN_UP,  /* broken off; the helper may have it still */
};

/**
 * struct pw_loan - a socket that was lent to the helper
 * @state: enum pw_loan_state
 * @refs: descriptors of this process that name the socket
 * @first_watch: its epoll registrations while they are suspended, 0: none
 * @ctl: the control connection while pending, else -1
 * @is_held: a message lies unread in it; see pw_channel_hold()
 * @error: the errno of PW_LOAN_FAILED
 * @owner: process that lent it; a fork child has a copy of the record only
 * @generation: told apart from an earlier loan in the same place
 * @ino: of the socket; closes that no hook saw leave a record behind
 * @dest: what the application asked for
 */
struct pw_loan {
	_Atomic uint8_t state;
	uint16_t refs;
	uint16_t first_watch;
	int ctl;
	bool is_held;
	int error;
	int owner;
	uint32_t generation;
	uint64_t ino;
	struct pw_addr dest;
};

enum {
	PW_SLOT_NONE = 0,
	/* 1 to PW_LOANS: an index of pw_loans */
	PW_SLOT_SETS = PW_LOANS +
		1, /* to PW_SLOT_SETS + PW_SETS - 1: an epoll set */
	PW_SLOT_CTL = 0xffff,
};

/**
 * struct pw_registered - the epoll registration that was last made of a number
 * @set: by which descriptor of the set, plus 1; 0: none
 * @is_many: there may be others, in other sets than are known
 * @events: as the application gave them
 * @data: likewise
 */
struct pw_registered {
	uint16_t set;
	bool is_many;
	uint32_t events;
	uint64_t data;
};

enum {
	PW_ALSO = 1024 /* descriptors in two sets that are known at a time */
};

/**
 * struct pw_also - the registration of a number in a second set
 * @fd: the number
 */
struct pw_also {
	int fd;
	struct pw_registered in;
};

/**
 * struct pw_tables - what is indexed by a descriptor or a slot
 * @registered: in which epoll set a descriptor is
 * @also: and in which second one, at the number's remainder
 * @has_twin: whether a descriptor was duplicated, or is a duplicate
 * @bus_inode: of a socket that was connected to the system bus, else 0; see
 *	bus.h
 * @muted: whether a datagram socket was connected beyond this host; see udp.h
 * @loans: from 1 on
 *
 * Mapped when first needed: under a limit of the address space, an object with
 * this in it might not be loaded, and the program would run without it.
 */
struct pw_tables {
	struct pw_registered registered[PW_FDS];
	struct pw_also also[PW_ALSO];
	bool has_twin[PW_FDS];
	uint32_t bus_inode[PW_FDS];
	bool muted[PW_FDS];
	struct pw_loan loans[PW_LOANS + 1];
};

extern struct pw_tables *_Atomic pw_tables PW_HIDDEN;

/* What each descriptor is. Apart, and always there, for every close() looks. */
extern _Atomic uint16_t pw_slots[PW_FDS] PW_HIDDEN;

static inline struct pw_tables *pw_mapped(void)
{
	return atomic_load_explicit(&pw_tables, memory_order_acquire);
}

#define pw_loans (pw_mapped()->loans)

struct pw_tables *pw_tables_map(void) PW_HIDDEN;
void *pw_map_zeroes(size_t bytes) PW_HIDDEN;
void pw_note_twin(int fd) PW_HIDDEN;
int pw_next_twin(int fd, int at) PW_HIDDEN;
extern unsigned int pw_loans_end
	PW_HIDDEN; /* none from here on was ever used */

/**
 * union pw_attention - what hooks must look at, to be tested in one go
 * @busy: loans and registrations that the wait and I/O hooks must look at
 * @has_bus: whether a socket was ever connected to the system bus; see bus.h
 * @has_servers: whether a name server was ever asked; see servers.h
 * @has_muted: whether a socket was ever kept from sending; see udp.h
 * @any: zero where all of these are
 */
union pw_attention {
	struct {
		_Atomic int busy;
		_Atomic bool has_bus;
		_Atomic bool has_servers;
		_Atomic bool has_muted;
	};
	_Atomic uint64_t any;
};

extern union pw_attention pw_attention PW_HIDDEN;

/* A thread sees its own connect(); another's it may as well have missed. */
static inline bool pw_is_busy(void)
{
	return pw_unlikely(atomic_load_explicit(&pw_attention.busy,
						memory_order_relaxed) != 0);
}

/* Whether a hook that tells or takes an address, or writes, must look. */
static inline bool pw_is_looked_at(void)
{
	return pw_unlikely(atomic_load_explicit(&pw_attention.any,
						memory_order_relaxed) != 0);
}

static inline unsigned int pw_slot(int fd)
{
	if ((unsigned int)fd >= PW_FDS)
		return PW_SLOT_NONE;
	return atomic_load_explicit(&pw_slots[(unsigned int)fd],
				    memory_order_relaxed);
}

/*
 * Whether a loan may be pending or failed. Without the lock: the thread that
 * lent it knows, and one that does not could as well have come earlier.
 */
static inline bool pw_needs_attention(const struct pw_loan *loan)
{
	uint8_t state =
		atomic_load_explicit(&loan->state, memory_order_relaxed);

	return state == PW_LOAN_PENDING || state == PW_LOAN_FAILED;
}

static inline void pw_slot_set(int fd, unsigned int value)
{
	if ((unsigned int)fd < PW_FDS)
		atomic_store_explicit(&pw_slots[fd], (uint16_t)value,
				      memory_order_relaxed);
}

uint64_t pw_inode(int fd) PW_HIDDEN;
struct pw_loan *pw_loan_new(int fd) PW_HIDDEN;
struct pw_loan *pw_loan_in_slot(int fd) PW_HIDDEN;
int pw_loan_fd(const struct pw_loan *loan) PW_HIDDEN;
void pw_loan_free(struct pw_loan *loan) PW_HIDDEN;
void pw_loan_set_state(struct pw_loan *loan,
		       enum pw_loan_state state) PW_HIDDEN;

#endif
