/* SPDX-License-Identifier: MIT */
#include "room.h"

#include "fdtable.h"
#include "guard.h"

#include <sys/mman.h>

/**
 * struct taken - memory that a vfork child may leave behind
 * @by: the thread, known by its thread pointer; 0: free
 * @process: the child's own id
 * @map: 0 where it has been given back
 */
struct taken {
	_Atomic uintptr_t by;
	_Atomic uintptr_t map;
	size_t bytes;
	int process;
};

enum {
	MOST_TAKEN = 64
};

static struct taken all[MOST_TAKEN];
static _Atomic int count;
static PW_TLS char own; /* its address is the thread's */

static void note(void *map, size_t bytes)
{
	uintptr_t me = (uintptr_t)&own;

	for (int i = 0; i < MOST_TAKEN; i++) {
		uintptr_t nobody = 0;

		if (!atomic_compare_exchange_strong(&all[i].by, &nobody, me))
			continue;
		all[i].bytes = bytes;
		all[i].process = pw_self();
		atomic_store(&all[i].map, (uintptr_t)map);
		atomic_fetch_add(&count, 1);
		return;
	}
}

/* A signal handler may be here at the same time: the exchange decides. */
static void drop(struct taken *taken)
{
	size_t bytes = taken->bytes;
	uintptr_t map = atomic_exchange(&taken->map, 0);

	if (!map)
		return;
	pw_sys(SYS_munmap, map, bytes);
	atomic_fetch_sub(&count, 1);
	atomic_store(&taken->by, 0);
}

static bool is_borrowed(void)
{
	PW_GUARD guard = { 0 };

	return !pw_guard_enter(&guard);
}

/**
 * pw_room_map() - Memory that an exec takes away
 *
 * Return: NULL where the process may not have so much
 * Context: async-signal-safe, in a vfork child too
 */
void *pw_room_map(size_t bytes)
{
	void *map = pw_map_zeroes(bytes);

	if (map && is_borrowed())
		note(map, bytes);
	return map;
}

/* What pw_room() has given; @bytes as it was asked for. */
void pw_room_give_back(void *memory, size_t bytes)
{
	if (!memory || bytes <= PW_ROOM_SMALL)
		return;
	for (int i = 0; i < MOST_TAKEN; i++)
		if (atomic_load(&all[i].map) == (uintptr_t)memory) {
			drop(&all[i]);
			return;
		}
	pw_sys(SYS_munmap, memory, bytes);
}

/*
 * Give back what vfork children of this thread have left behind: they had its
 * thread pointer, and it was stopped until they were gone.
 */
void pw_room_sweep(void)
{
	uintptr_t me = (uintptr_t)&own;
	int process;

	if (pw_likely(atomic_load_explicit(&count, memory_order_relaxed) == 0))
		return;
	process = pw_self();
	for (int i = 0; i < MOST_TAKEN; i++)
		if (atomic_load(&all[i].by) == me && all[i].process != process)
			drop(&all[i]);
}
