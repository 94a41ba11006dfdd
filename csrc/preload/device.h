/* SPDX-License-Identifier: MIT */
/*
 * The ways past an address: a device or a route of the program's choice. A
 * packet to loopback that is sent out by a device does leave this host.
 */
#ifndef PW_DEVICE_H
#define PW_DEVICE_H

#include "shim.h"

bool pw_has_device(int fd) PW_HIDDEN;
bool pw_names_device(const struct msghdr *msg) PW_HIDDEN;
int pw_device_verdict(int fd, int level, int name, const void *value,
		      socklen_t len) PW_HIDDEN;

#endif
