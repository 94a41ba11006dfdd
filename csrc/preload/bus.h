/* SPDX-License-Identifier: MIT */
/*
 * The system bus, over which systemd-resolved and avahi resolve names for
 * whoever asks: messages to them are refused, all others pass.
 */
#ifndef PW_BUS_H
#define PW_BUS_H

#include "fdtable.h"

/*
 * Whether what is sent must be looked at. What is noted may be stale, which
 * costs time only: before anything is refused the inode is compared.
 */
static inline bool pw_on_bus(int fd)
{
	struct pw_tables *tables;

	if (!atomic_load_explicit(&pw_attention.has_bus, memory_order_relaxed))
		return false;
	tables = pw_mapped();
	return !tables || (unsigned int)fd >= PW_FDS || tables->bus_inode[fd];
}

/* Return from the function where what is sent is a question to a resolver. */
#define PW_GATE_BUS(fd, verdict)                              \
	do {                                                  \
		if (pw_on_bus(fd)) {                          \
			int found = verdict;                  \
			if (found < 0)                        \
				return (int)pw_result(found); \
		}                                             \
	} while (0)

void pw_bus_read_environment(void) PW_HIDDEN;
bool pw_is_bus_path(const struct sockaddr_storage *addr, size_t len) PW_HIDDEN;
void pw_bus_mark(int fd) PW_HIDDEN;
int pw_bus_verdict(int fd, const void *buf, size_t n) PW_HIDDEN;
int pw_bus_refuse(int fd) PW_HIDDEN;
int pw_bus_verdict_v(int fd, const struct iovec *iov, size_t n) PW_HIDDEN;

#endif
