/* SPDX-License-Identifier: MIT */
/*
 * Connections of the control socket: one for each request. None outlives its
 * request, so the application's descriptors stay its own.
 */
#ifndef PW_CHANNEL_H
#define PW_CHANNEL_H

#include "shim.h"

/* What the environment says; see channel.c for the format. */
struct pw_channel {
	bool is_set;
	uint8_t token[PW_TOKEN_BYTES];
	char abstract[64];	     /* without the leading NUL */
	char path[108];		     /* the same in the file system, or "" */
	char preload[256];	     /* this object, as LD_PRELOAD names it */
	uint64_t uid, pid;	     /* of the launcher, who listens */
	uint64_t user_dev, user_ino; /* its user namespace, 0 if unknown */
	uint64_t dev, ino;  /* and what lay there when the program began */
	char variable[512]; /* NAME=VALUE, to be put back before exec */
};

/* The value of a number macro as a string literal. */
#define PW_TEXT_(token) #token
#define PW_TEXT(macro) PW_TEXT_(macro)

#define PW_CHANNEL_VARIABLE "PROXYWRAP_CHANNEL"

const struct pw_channel *pw_channel(void) PW_HIDDEN;
int pw_channel_parse(struct pw_channel *out, const char *value) PW_HIDDEN;
int pw_channel_open(bool may_block) PW_HIDDEN;
bool pw_channel_is_near(void) PW_HIDDEN;
int pw_channel_send(int ctl, struct pw_request *request, int lent_fd) PW_HIDDEN;
void pw_channel_hold(int ctl) PW_HIDDEN;
int pw_channel_peek(int ctl, struct pw_reply *reply) PW_HIDDEN;
int pw_channel_ask(struct pw_request *request,
		   struct pw_reply *reply) PW_HIDDEN;
void pw_channel_tell(struct pw_request *request) PW_HIDDEN;
void pw_request_set_name(struct pw_request *request,
			 const char *name) PW_HIDDEN;
void pw_blocked(enum pw_blocked what, const struct pw_addr *addr,
		const char *name) PW_HIDDEN;

#endif
