/* SPDX-License-Identifier: MIT */
/*
 * Epoll sets that are themselves waited for, by poll() or by another set: a
 * stand-in makes the inner set readable, which its waiter must not see.
 */
#ifndef PW_NESTED_H
#define PW_NESTED_H

#include "epollset.h"

bool pw_set_settle(int set) PW_HIDDEN;
int pw_filter_nested(int epfd, struct epoll_event *events, int n) PW_HIDDEN;

#endif
