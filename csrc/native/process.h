/* SPDX-License-Identifier: MIT */
/* Process and socket calls that Python's standard library does not have. */
#ifndef PW_NATIVE_PROCESS_H
#define PW_NATIVE_PROCESS_H

#include <stddef.h>

int pw_disconnect(int fd);
int pw_connect_here(int fd, const void *addr, unsigned int len);
int pw_execute(const char *path, char *const argv[], char *const envp[]);
int pw_fail_connect(int fd, const void *addr, unsigned int len);
int pw_drop_packets(int fd);
int pw_signal_thread(int process, int thread, int signum);
int pw_become_subreaper(void);
int pw_scrub(unsigned long start, unsigned long end, const char *secret,
	     size_t n);

#endif
