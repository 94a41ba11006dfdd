/* SPDX-License-Identifier: MIT */
// sources: csrc/preload/channel.c csrc/preload/listener.c
// sources: csrc/preload/proof.c csrc/preload/lifeline.c csrc/preload/fdtable.c
// sources: csrc/preload/guard.c
#include "preload/channel.h"

#include "tap.h"

#define TOKEN "00112233445566778899aabbccddeeff"
#define NOW PW_TEXT(PW_WIRE_VERSION)
#define LAUNCHER "1000.4711.4.4026531837"
#define SOUND                                                          \
	NOW ":" TOKEN ":" LAUNCHER ":name:/run/proxywrap/socket:/opt/" \
	    "preload.so"

static int parse(const char *value)
{
	struct pw_channel out = { 0 };
	int ret = pw_channel_parse(&out, value);

	ok(out.is_set == (ret == 0), "set only where it is sound: %.40s",
	   value);
	return ret;
}

static void test_sound(void)
{
	struct pw_channel out = { 0 };

	is(pw_channel_parse(&out, SOUND), 0, "a sound value");
	ok(out.is_set, "is set");
	for (int i = 0; i < PW_TOKEN_BYTES; i++)
		is(out.token[i], i * 0x11, "byte %d of the token", i);
	is(out.uid, 1000, "the user");
	is(out.pid, 4711, "the process");
	is(out.user_dev, 4, "where its user namespace is");
	is((long long)out.user_ino, 4026531837, "and which");
	ok(strcmp(out.abstract, "name") == 0, "the abstract name");
	ok(strcmp(out.path, "/run/proxywrap/socket") == 0, "the path");
	ok(strcmp(out.preload, "/opt/preload.so") == 0, "the object");
	ok(strcmp(out.variable, "PROXYWRAP_CHANNEL=" SOUND) == 0,
	   "the variable as it was");
}

static void test_truncations(void)
{
	static const char sound[] = SOUND;
	size_t first = strlen(sound) - strlen("/opt/preload.so");

	for (size_t n = 0; n < sizeof(sound) - 1; n++) {
		char value[sizeof(sound)] = { 0 };

		memcpy(value, sound, n);
		/* A shorter path is a path too. */
		is(parse(value), n > first ? 0 : -EINVAL, "%zu bytes of it", n);
	}
}

static void test_wrong_digits(void)
{
	static const char wrong[] = "g/:GA@` \n\x80\xff";
	char value[] = SOUND;

	for (size_t at = 2; at < 34; at++) {
		for (size_t i = 0; i < sizeof(wrong) - 1; i++) {
			char right = value[at];

			value[at] = wrong[i];
			is(parse(value), -EINVAL, "digit %zu is %#x", at - 2,
			   (unsigned char)wrong[i]);
			value[at] = right;
		}
	}
	is(parse(value), 0, "and sound again");
}

static void test_versions_and_empty_fields(void)
{
	static const char *const wrong[] = {
		"",
		":",
		"::::",
		"0:" TOKEN ":1.2.3.4:a:b:c",
		"11:" TOKEN ":1.2.3.4:a:b:c",
		"1111:" TOKEN ":1.2.3.4:a:b:c",
		":" TOKEN ":1.2.3.4:a:b:c",
		NOW ":" TOKEN "0:1.2.3.4:a:b:c",
		NOW ":" TOKEN ":1.2.3.4::b:c",
		NOW ":" TOKEN ":1.2.3.4:a:b:",
		NOW ":" TOKEN ":1.2.3.4:a:b",
		NOW ":" TOKEN ":1.2.3.4:a",
		NOW ":" TOKEN ":1.2.3.4",
		NOW ":" TOKEN,
		NOW ":" TOKEN ":a:b:c",
		NOW ":" TOKEN "::a:b:c",
		NOW ":" TOKEN ":1.2.3:a:b:c",
		NOW ":" TOKEN ":1.2.3.4.5:a:b:c",
		NOW ":" TOKEN ":1.2..4:a:b:c",
		NOW ":" TOKEN ":1.2.3.:a:b:c",
		NOW ":" TOKEN ":-1.2.3.4:a:b:c",
		NOW ":" TOKEN ":1.2.3.4x:a:b:c",
		"1",
		"1 :" TOKEN ":1.2.3.4:a:b:c",
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		is(parse(wrong[i]), -EINVAL, "wrong: %s", wrong[i]);
	is(parse(NOW ":" TOKEN ":1.2.3.4:a:b:c"), 0, "the shortest");
	is(parse(NOW ":" TOKEN ":1.2.3.4:a::c"), 0, "without a path");
}

/* Fields of every length, each up to what its memory holds. */
static void test_lengths(void)
{
	static const size_t room[3] = { 64, 108, 256 };

	for (int which = 0; which < 3; which++) {
		for (size_t n = 1; n < 600; n++) {
			char value[1024] = NOW ":" TOKEN ":1.2.3.4";
			size_t at = strlen(value);

			for (int i = 0; i < 3; i++) {
				size_t fill = i == which ? n : 1;

				value[at++] = ':';
				memset(value + at, 'x', fill);
				at += fill;
			}
			value[at] = '\0';
			if (parse(value) != (n < room[which] ? 0 : -EINVAL))
				ok(false, "field %d of %zu bytes", which, n);
		}
	}
}

static void test_without_a_helper(void)
{
	struct pw_request request = { .op = PW_OP_RESOLVE };
	struct pw_reply reply;
	char name[400];
	int saved = errno = 77;

	is(pw_channel_open(true), -ECONNREFUSED, "no channel, no connection");
	is(pw_channel_open(false), -ECONNREFUSED, "nor one that does not wait");
	is(pw_channel_ask(&request, &reply), -ECONNREFUSED, "no answer");
	pw_channel_tell(&request);
	pw_blocked(PW_BLOCKED_UDP, NULL, NULL);
	is(errno, saved, "errno is left alone");
	memset(name, 'n', sizeof(name));
	name[399] = '\0';
	pw_request_set_name(&request, name);
	is(request.name_bytes, PW_NAME_BYTES, "a name is cut to what fits");
	pw_request_set_name(&request, "");
	is(request.name_bytes, 0, "and may be empty");
}

static void test_peek(void)
{
	struct pw_reply reply,
		sent = { .version = PW_WIRE_VERSION, .error = ECONNREFUSED };
	int ends[2];

	is(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0, "a connection");
	ok(!pw_channel_peek(ends[0], &reply), "no reply yet");
	send(ends[1], &sent, sizeof(sent), 0);
	for (int i = 0; i < 2; i++) {
		memset(&reply, 1, sizeof(reply));
		ok(pw_channel_peek(ends[0], &reply), "the reply, time %d", i);
		ok(memcmp(&reply, &sent, sizeof(sent)) == 0, "whole");
	}
	recv(ends[0], &reply, sizeof(reply), 0);
	for (size_t n = 1; n < sizeof(sent); n += 7) {
		send(ends[1], &sent, n, 0);
		ok(pw_channel_peek(ends[0], &reply) &&
			   reply.error == ECONNREFUSED && !reply.version,
		   "a reply of %zu bytes is a helper that is gone", n);
		recv(ends[0], &reply, sizeof(reply), 0);
	}
	sent.version++;
	sent.error = 0;
	send(ends[1], &sent, sizeof(sent), 0);
	ok(pw_channel_peek(ends[0], &reply) && reply.error == ECONNREFUSED,
	   "so is one of another version");
	recv(ends[0], &reply, sizeof(reply), 0);
	shutdown(ends[1], SHUT_RDWR);
	ok(pw_channel_peek(ends[0], &reply) && reply.error == ECONNREFUSED,
	   "so is a closed connection");
	ok(pw_channel_peek(-1, &reply) && reply.error == ECONNREFUSED,
	   "so is none");
}

int main(void)
{
	test_sound();
	test_truncations();
	test_wrong_digits();
	test_versions_and_empty_fields();
	test_lengths();
	test_without_a_helper();
	test_peek();
	return tap_end();
}
