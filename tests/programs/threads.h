/* SPDX-License-Identifier: MIT */
/* What a thread is doing, as the kernel tells it: no test has to sleep. */
#ifndef THREADS_H
#define THREADS_H

#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>

#include "trace.h"

/*
 * The number of the system call that a thread sleeps in, -1 if it does not.
 * @first is what the call was given first.
 */
static inline long call_of(int tid, int *first)
{
	char path[64], line[256] = "";
	int file;
	long number;

	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", tid);
	MUST((file = open(path, O_RDONLY)) >= 0);
	MUST(read(file, line, sizeof(line) - 1) > 0);
	close(file);
	return sscanf(line, "%ld %x", &number, (unsigned int *)first) == 2
		       ? number
		       : -1;
}

/* A thread waits in connect(fd); wrapped, it waits for an answer in recv(). */
static inline void until_it_connects(const _Atomic int *tid, int fd)
{
	int first = -1;

	for (;;) {
		long call = *tid ? call_of(*tid, &first) : -1;

		if (call == SYS_recvfrom ||
		    (call == SYS_connect && first == fd))
			return;
		sched_yield();
	}
}

/* A thread waits in a call of whatever kind. */
static inline void until_it_waits(const _Atomic int *tid)
{
	int first;
	long call;

	do {
		sched_yield();
		call = *tid ? call_of(*tid, &first) : -1;
	} while (call < 0 || call == SYS_futex);
}

#endif
