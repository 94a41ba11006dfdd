/* SPDX-License-Identifier: MIT */
/* The kernel's own asynchronous I/O, which programs reach by its number. */
#ifndef PW_SUBMIT_H
#define PW_SUBMIT_H

#include "shim.h"

struct iocb;

bool pw_may_submit(struct iocb *const *list, long n) PW_HIDDEN;

#endif
