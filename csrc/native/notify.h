/* SPDX-License-Identifier: MIT */
/* The supervisor's side of seccomp_unotify(2). */
#ifndef PW_NOTIFY_H
#define PW_NOTIFY_H

#include <stddef.h>
#include <stdint.h>

/**
 * struct pw_notice - a system call that waits for its answer
 * @id: of the notification
 * @args: as the program passed them
 * @thread: its id, as we see it; 0 where we cannot see it
 * @call: enum pw_call
 */
struct pw_notice {
	uint64_t id;
	uint64_t args[6];
	int thread;
	int call;
};

int pw_notify_support(void);
void pw_notify_wake_in_turn(int listener);
int pw_notify_receive(int listener, struct pw_notice *out);
int pw_notify_answer(int listener, uint64_t id, int64_t value, int error);
int pw_notify_go_on(int listener, uint64_t id);
int pw_notify_give(int listener, uint64_t id, int fd, int flags);
int pw_notify_is_valid(int listener, uint64_t id);
int pw_take_descriptor(int process, int fd);
int64_t pw_memory_read(int process, uint64_t address, void *out, size_t n);
int64_t pw_memory_write(int process, uint64_t address, const void *data,
			size_t n);

#endif
