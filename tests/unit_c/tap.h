/* SPDX-License-Identifier: MIT */
/* The Test Anything Protocol: one line for each check, the plan at the end. */
#ifndef TAP_H
#define TAP_H

#include <stdbool.h>
#include <stdio.h>

static int tap_count, tap_failed;

#define ok(condition, ...)                                                \
	do {                                                              \
		bool ok_ = (condition);                                   \
		tap_failed += !ok_;                                       \
		dprintf(1, "%sok %d - ", ok_ ? "" : "not ", ++tap_count); \
		dprintf(1, __VA_ARGS__);                                  \
		dprintf(1, "\n");                                         \
		if (!ok_)                                                 \
			dprintf(1, "# %s:%d: %s\n", __FILE__, __LINE__,   \
				#condition);                              \
	} while (0)

#define is(found, expected, ...)                                             \
	do {                                                                 \
		long found_ = (long)(found), expected_ = (long)(expected);   \
		ok(found_ == expected_, __VA_ARGS__);                        \
		if (found_ != expected_)                                     \
			dprintf(1, "# expected %ld, found %ld\n", expected_, \
				found_);                                     \
	} while (0)

static inline int tap_end(void)
{
	dprintf(1, "1..%d\n", tap_count);
	return tap_failed != 0;
}

#endif
