/* SPDX-License-Identifier: MIT */
/* Names beyond ASCII, as glibc's AI_IDN, AI_CANONIDN and NI_IDN have them. */
#ifndef PW_IDN_H
#define PW_IDN_H

#include "names.h"

int pw_idn_encode(const char *name, char out[static PW_NAME_BYTES]) PW_HIDDEN;
const char *pw_idn_decode(const char *name,
			  char room[static PW_SPELLED_BYTES]) PW_HIDDEN;

#endif
