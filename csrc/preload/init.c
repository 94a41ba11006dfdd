/* SPDX-License-Identifier: MIT */
/*
 * What is done before main(): the environment is read while it is as we were
 * given it, and the memory is claimed before there can be a vfork child.
 */
#include "bus.h"
#include "channel.h"
#include "guard.h"

__attribute__((constructor)) static void init(void)
{
	pw_channel();
	pw_bus_read_environment();
	pw_guard_own();
}
