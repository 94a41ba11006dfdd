/* SPDX-License-Identifier: MIT */
/* Time limits of waits that are made in several parts. */
#ifndef PW_CLOCK_H
#define PW_CLOCK_H

#include "sockaddr.h"

struct pw_deadline {
	bool is_set;
	struct timespec at; /* CLOCK_MONOTONIC */
};

static inline struct timespec pw_now(void)
{
	struct timespec now = { 0 };

	pw_sys(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
	return now;
}

/* Whether the kernel would take it. */
static inline bool pw_is_timeout(const struct timespec *timeout)
{
	return !timeout || (pw_readable(timeout, sizeof(*timeout)) &&
			    timeout->tv_sec >= 0 && timeout->tv_nsec >= 0 &&
			    timeout->tv_nsec < 1000000000);
}

/* A wait that begins now; NULL waits for ever. */
static inline struct pw_deadline pw_deadline_in(const struct timespec *timeout)
{
	struct pw_deadline deadline = { .is_set = timeout != NULL };

	if (!timeout)
		return deadline;
	deadline.at = pw_now();
	/* A time beyond the kernel's own range waits as long as it can. */
	deadline.at.tv_sec += timeout->tv_sec < INT32_MAX ? timeout->tv_sec
							  : INT32_MAX;
	deadline.at.tv_nsec += timeout->tv_nsec;
	if (deadline.at.tv_nsec >= 1000000000) {
		deadline.at.tv_nsec -= 1000000000;
		deadline.at.tv_sec++;
	}
	return deadline;
}

/* What is left of it, for the next part: NULL for ever, zero when it is over.
 */
static inline struct timespec *pw_remaining(const struct pw_deadline *deadline,
					    struct timespec *out)
{
	struct timespec now = pw_now();

	if (!deadline->is_set)
		return NULL;
	out->tv_sec = deadline->at.tv_sec - now.tv_sec;
	out->tv_nsec = deadline->at.tv_nsec - now.tv_nsec;
	if (out->tv_nsec < 0) {
		out->tv_nsec += 1000000000;
		out->tv_sec--;
	}
	if (out->tv_sec < 0)
		*out = (struct timespec){ 0 };
	return out;
}

static inline struct timespec pw_timespec_ms(int ms)
{
	return (struct timespec){ .tv_sec = ms / 1000,
				  .tv_nsec = ms % 1000 * 1000000L };
}

#endif
