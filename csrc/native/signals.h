/* SPDX-License-Identifier: MIT */
/* A process whose first thread gets all of its signals. */
#ifndef PW_NATIVE_SIGNALS_H
#define PW_NATIVE_SIGNALS_H

/* The si_code of a signal that another thread has sent on. */
#define PW_SENT_ON (-112)

void pw_gather_signals(void);
void pw_release_signals(void);

#endif
