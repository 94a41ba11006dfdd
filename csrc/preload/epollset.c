/* SPDX-License-Identifier: MIT */
#include "epollset.h"

#include "guard.h"
#include "libc.h"
#include "watchlist.h"

enum {
	SET_FDS = 4
};

/**
 * struct set - an epoll set
 * @fds: descriptors that name it, -1 where unused
 * @watches: how many registrations of it are suspended
 * @is_nested: another set waits for it, and it has stand-ins
 */
struct set {
	bool is_used;
	bool is_nested;
	int fds[SET_FDS];
	unsigned int watches;
};

_Atomic int pw_nested_sets;
_Atomic bool pw_mark_is_asked;
static struct set sets[PW_SETS];

/* The set of a descriptor, -1 where none is known. */
int pw_set_of(int epfd)
{
	unsigned int slot = pw_slot(epfd);

	if (slot < PW_SLOT_SETS || slot >= PW_SLOT_SETS + PW_SETS)
		return -1;
	return (int)(slot - PW_SLOT_SETS);
}

void pw_set_forget(int set)
{
	for (int i = 0; i < SET_FDS; i++)
		if (sets[set].fds[i] >= 0)
			pw_slot_set(sets[set].fds[i], PW_SLOT_NONE);
	sets[set].is_used = false;
}

static int free_set(void)
{
	int idle = -1;

	for (int i = 0; i < PW_SETS; i++) {
		if (!sets[i].is_used)
			return i;
		if (sets[i].watches == 0)
			idle = i;
	}
	if (idle >= 0)
		pw_set_forget(idle);
	return idle;
}

/**
 * pw_set_learn() - Know a descriptor as that of an epoll set
 *
 * Return: the set, or -ENOMEM where all places hold suspended registrations
 */
int pw_set_learn(int epfd)
{
	int set = pw_set_of(epfd);

	if (set >= 0)
		return set;
	if (pw_inode(epfd) == 0)
		return -EBADF;
	if (pw_slot(epfd) != PW_SLOT_NONE)
		return -EINVAL; /* something else of ours */
	set = (unsigned int)epfd < PW_FDS && pw_tables_map() ? free_set() : -1;
	if (set < 0)
		return -ENOMEM;
	sets[set] =
		(struct set){ .is_used = true, .fds = { epfd, -1, -1, -1 } };
	pw_slot_set(epfd, PW_SLOT_SETS + (unsigned int)set);
	return set;
}

/* A second descriptor of the same set. */
void pw_set_dup(int from, int to)
{
	int set = pw_set_of(from);

	for (int i = 0; set >= 0 && i < SET_FDS; i++) {
		if (sets[set].fds[i] < 0 && (unsigned int)to < PW_FDS) {
			sets[set].fds[i] = to;
			pw_slot_set(to, PW_SLOT_SETS + (unsigned int)set);
			return;
		}
	}
}

/* Any descriptor of a set; -1 where there is none. */
int pw_set_fd(int set)
{
	for (int i = 0; sets[set].is_used && i < SET_FDS; i++)
		if (sets[set].fds[i] >= 0)
			return sets[set].fds[i];
	return -1;
}

static void set_nested(int set, bool is_nested)
{
	atomic_fetch_add(&pw_nested_sets, is_nested - sets[set].is_nested);
	sets[set].is_nested = is_nested;
}

bool pw_set_is_nested(int set)
{
	return sets[set].is_nested;
}

/* The set was given to another one's epoll_ctl(). */
void pw_set_watched(int set)
{
	set_nested(set, sets[set].watches != 0);
}

/* Whether one of its descriptors was given to an epoll_ctl(). */
static bool was_seen(int set)
{
	for (int i = 0; i < SET_FDS; i++)
		if (sets[set].fds[i] >= 0 &&
		    pw_mapped()->registered[sets[set].fds[i]].set)
			return true;
	return false;
}

bool pw_set_has_standins(int set)
{
	return sets[set].watches != 0;
}

/* One suspended registration more, or less. */
void pw_set_count(int set, int change)
{
	sets[set].watches += (unsigned int)change;
	set_nested(set, sets[set].watches && was_seen(set));
}

/* Return: how many descriptors the set has left. */
int pw_set_drop_fd(int epfd)
{
	int set = pw_set_of(epfd), left = 0;

	pw_slot_set(epfd, PW_SLOT_NONE);
	for (int i = 0; i < SET_FDS; i++) {
		if (sets[set].fds[i] == epfd)
			sets[set].fds[i] = -1;
		left += sets[set].fds[i] >= 0;
	}
	return left;
}

/**
 * pw_epoll_place() - Where a registration of a number is noted
 * @set: which the number's first place is not about
 * @is_new: find one for it where it has none
 *
 * Return: NULL where there is none; where others are in the way the number is
 *	marked, and the kernel to be asked
 */
struct pw_registered *pw_epoll_place(struct pw_tables *tables, int fd,
				     unsigned int set, bool is_new)
{
	struct pw_registered *first = &tables->registered[(unsigned int)fd];
	struct pw_also *also = pw_also_at(tables, fd);

	if (also->fd == fd && also->in.set == set)
		return &also->in;
	if (!is_new)
		return NULL;
	if (!first->set)
		return first;
	if (also->in.set) {
		first->is_many = true;
		return first;
	}
	also->fd = fd;
	return &also->in;
}

/* Take a number, which is open still, out of all sets that are known. */
void pw_epoll_leave(int fd)
{
	struct pw_tables *tables = pw_mapped();
	const struct pw_also *also = pw_also_at(tables, fd);
	int first = tables->registered[(unsigned int)fd].set;

	if (first)
		pw_epoll_ctl(first - 1, EPOLL_CTL_DEL, fd, NULL);
	if (also->fd == fd && also->in.set)
		pw_epoll_ctl(also->in.set - 1, EPOLL_CTL_DEL, fd, NULL);
	for (int set = 0; set < PW_SETS; set++)
		if (pw_set_fd(set) >= 0)
			pw_epoll_ctl(pw_set_fd(set), EPOLL_CTL_DEL, fd, NULL);
}

/**
 * pw_registration_of() - What the application has registered in a set
 * @out: its events and data; that a one-shot has fired is not looked at
 *
 * Return: whether it is known to be in that set
 */
bool pw_registration_of(int epfd, int fd, struct epoll_event *out)
{
	struct pw_tables *tables = pw_mapped();
	const struct pw_registered *first, *known = NULL;

	if (tables && (unsigned int)fd < PW_FDS) {
		first = &tables->registered[(unsigned int)fd];
		known = first->set == epfd + 1
				? first
				: pw_epoll_place(tables, fd,
						 (unsigned int)epfd + 1, false);
		if (known && !first->is_many) {
			out->events = known->events;
			out->data.u64 = known->data;
			return true;
		}
		if (!first->set && pw_also_at(tables, fd)->fd != fd)
			return false; /* else by another number, perhaps */
	}
	return pw_fdinfo_find(epfd, fd, out) == 1;
}
