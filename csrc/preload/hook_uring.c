/* SPDX-License-Identifier: MIT */
/*
 * liburing makes its system calls itself, but this is how a program reaches
 * it: io_uring is not there, and programs fall back.
 */
#include "libc.h"

#pragma GCC diagnostic ignored "-Wunused-parameter"

int hook_io_uring_setup(unsigned int entries, void *params)
{
	return -ENOSYS;
}

int hook_io_uring_queue_init(unsigned int entries, void *ring,
			     unsigned int flags)
{
	return -ENOSYS;
}

int hook_io_uring_queue_init_params(unsigned int entries, void *ring,
				    void *params)
{
	return -ENOSYS;
}

int hook_io_uring_queue_init_mem(unsigned int entries, void *ring, void *params,
				 void *buf, size_t size)
{
	return -ENOSYS;
}
