/* SPDX-License-Identifier: MIT */
/*
 * What a wait has reported of stand-ins. Epoll sets that are themselves waited
 * for, by poll() or by another set: a stand-in makes the inner set readable,
 * which its waiter must not see.
 */
#ifndef PW_NESTED_H
#define PW_NESTED_H

#include "epollset.h"

bool pw_set_settle(int set) PW_HIDDEN;
bool pw_standin_settle(int epfd, const struct epoll_event *event) PW_HIDDEN;
int pw_filter_nested(int epfd, struct epoll_event *events, int n) PW_HIDDEN;

#endif
