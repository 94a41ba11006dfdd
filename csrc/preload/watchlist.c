/* SPDX-License-Identifier: MIT */
#include "watchlist.h"

enum {
	HEADS = 1024
};

static struct pw_watch *watches;    /* PW_WATCHES, mapped when first needed */
static unsigned int free_watch = 1; /* none below it is free; 0 ends a list */
static uint16_t heads[HEADS];

static uint16_t *head_of(uint64_t data)
{
	return &heads[(data * 0x9e3779b97f4a7c15) >> 54];
}

static void link_by_data(struct pw_watch *watch)
{
	uint16_t *head = head_of(watch->event.data.u64);

	watch->chain = *head;
	*head = (uint16_t)(watch - watches);
}

static void unlink_by_data(struct pw_watch *watch)
{
	uint16_t *link = head_of(watch->event.data.u64);

	while (&watches[*link] != watch)
		link = &watches[*link].chain;
	*link = watch->chain;
}

/**
 * pw_watch_new() - Remember a registration
 *
 * Return: NULL where all places are taken
 */
struct pw_watch *pw_watch_new(struct pw_loan *loan, int set, int fd,
			      const struct epoll_event *event)
{
	if (!watches)
		watches = pw_map_zeroes(PW_WATCHES * sizeof(*watches));
	for (unsigned int i = free_watch; watches && i < PW_WATCHES; i++) {
		if (watches[i].is_used)
			continue;
		free_watch = i + 1;
		watches[i] = (struct pw_watch){
			.next = loan->first_watch,
			.set = (uint16_t)set,
			.is_used = true,
			.loan = (uint16_t)(loan - pw_loans),
			.fd = fd,
			.event = *event,
		};
		loan->first_watch = (uint16_t)i;
		link_by_data(&watches[i]);
		pw_set_count(set, 1);
		return &watches[i];
	}
	return NULL;
}

/* NULL for 0, which ends every list. */
struct pw_watch *pw_watch_at(unsigned int place)
{
	return place ? &watches[place] : NULL;
}

/* That of one registration; of any in the set where @fd is -1. */
struct pw_watch *pw_watch_find(const struct pw_loan *loan, int set, int fd)
{
	for (unsigned int i = loan->first_watch; i; i = watches[i].next)
		if (watches[i].set == set && (fd < 0 || watches[i].fd == fd))
			return &watches[i];
	return NULL;
}

/**
 * pw_watch_with() - Walk the watches that have the same data
 * @at: the place of the last one found, 0 to begin with
 *
 * Return: the next one's place, 0 for none
 */
unsigned int pw_watch_with(uint64_t data, unsigned int at)
{
	unsigned int i = at ? watches[at].chain : *head_of(data);

	while (i && watches[i].event.data.u64 != data)
		i = watches[i].chain;
	return i;
}

void pw_watch_set_event(struct pw_watch *watch, const struct epoll_event *event)
{
	unlink_by_data(watch);
	watch->event = *event;
	link_by_data(watch);
}

void pw_watch_set_dormant(struct pw_watch *watch, bool is_dormant)
{
	/* While one is left, epoll_ctl() must not take its fast path. */
	atomic_fetch_add(&pw_attention.busy, is_dormant - watch->is_dormant);
	watch->is_dormant = is_dormant;
}

void pw_watch_remove(struct pw_loan *loan, struct pw_watch *watch)
{
	uint16_t *link = &loan->first_watch;

	while (&watches[*link] != watch)
		link = &watches[*link].next;
	*link = watch->next;
	unlink_by_data(watch);
	pw_watch_set_dormant(watch, false);
	pw_set_count(watch->set, -1);
	watch->is_used = false;
	if (watch - watches < free_watch)
		free_watch = (unsigned int)(watch - watches);
}
