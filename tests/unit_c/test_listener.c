/* SPDX-License-Identifier: MIT */
// sources: csrc/preload/channel.c csrc/preload/listener.c
// sources: csrc/preload/proof.c
// sources: csrc/preload/lifeline.c csrc/preload/fdtable.c csrc/preload/guard.c
/* Who listens: what the kernel says of it, and what it can show. */
#include "tap.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "preload/listener.h"
#include "preload/proof.h"

enum answer {
	RIGHT,
	WITH_ANOTHER_TOKEN,
	OF_ANOTHER_SCOPE,
	OF_ANOTHER_NONCE,
	TOO_SHORT,
	AN_ERROR,
	NONE,
};

static const char *const names[] = {
	"the right proof",     "a proof with another token",
	"one of a path",       "one of an earlier challenge",
	"half a reply",	       "an error",
	"a closed connection",
};

static uint64_t cookie_of(int fd)
{
	uint64_t cookie = 0;
	socklen_t n = sizeof(cookie);

	getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &n);
	return cookie;
}

static socklen_t name_it(struct sockaddr_un *un)
{
	static const char name[] = "test-listener";

	*un = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(un->sun_path + 1, name, strlen(name));
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
			   strlen(name));
}

static int listen_here(void)
{
	struct sockaddr_un un;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	socklen_t n = name_it(&un);

	bind(fd, (struct sockaddr *)&un, n);
	listen(fd, 8);
	return fd;
}

/* Answer one challenge; whatever else comes is counted in the exit status. */
static int answer(int listener, const struct pw_channel *ch, enum answer how)
{
	int fd = accept(listener, NULL, NULL);
	struct pw_request request = { 0 };
	struct pw_reply reply = { .version = PW_WIRE_VERSION,
				  .name_bytes = PW_PROOF_BYTES };
	uint8_t token[PW_TOKEN_BYTES], zero[PW_TOKEN_BYTES] = { 0 };
	uint64_t scope = cookie_of(fd), proof;
	long n = recv(fd, &request, sizeof(request), 0);

	if (n == 0)
		return 0;
	if (request.op != PW_OP_PROVE || request.name_bytes ||
	    memcmp(request.token, ch->token, PW_TOKEN_BYTES) == 0)
		return 2;
	memcpy(token, ch->token, sizeof(token));
	token[0] ^= how == WITH_ANOTHER_TOKEN;
	proof = pw_proof(token, how == OF_ANOTHER_NONCE ? zero : request.token,
			 how == OF_ANOTHER_SCOPE ? 0 : scope);
	memcpy(reply.name, &proof, sizeof(proof));
	if (how == AN_ERROR)
		reply.error = EPERM;
	if (how != NONE)
		send(fd, &reply, sizeof(reply) / (how == TOO_SHORT ? 2 : 1),
		     MSG_NOSIGNAL);
	else
		shutdown(fd, SHUT_RDWR);
	/* What is sent to who has not proved itself is one thing too many. */
	return recv(fd, &request, sizeof(request), 0) > 0 ? 3 : 1;
}

/* Check a listener that answers so; its status says what it got. */
static int check(const struct pw_channel *ch, enum answer how, int *status)
{
	int listener = listen_here(), fd, ret;
	struct sockaddr_un un;
	socklen_t n = name_it(&un);
	pid_t child = fork();

	if (child == 0) {
		alarm(20);
		_Exit(answer(listener, ch, how));
	}
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	connect(fd, (struct sockaddr *)&un, n);
	ret = pw_listener_check(fd, ch, true);
	close(fd);
	close(listener);
	waitpid(child, status, 0);
	*status = WEXITSTATUS(*status);
	return ret;
}

static struct pw_channel channel_of(unsigned int uid, int pid)
{
	struct pw_channel ch = { .is_set = true,
				 .uid = uid,
				 .pid = (uint64_t)pid };
	struct stat st;

	for (int i = 0; i < PW_TOKEN_BYTES; i++)
		ch.token[i] = (uint8_t)(i + 1);
	if (stat("/proc/self/ns/user", &st) == 0) {
		ch.user_dev = st.st_dev;
		ch.user_ino = st.st_ino;
	}
	return ch;
}

static void test_whom_the_kernel_knows(void)
{
	struct pw_channel ch = channel_of(geteuid(), getpid());
	int status;

	is(check(&ch, RIGHT, &status), 0, "our own user and its process");
	is(status, 0, "is asked for nothing more");
	ch.pid++;
	is(check(&ch, RIGHT, &status), -ECONNREFUSED, "another process");
	is(status, 0, "is asked for nothing");
	ch = channel_of(geteuid() + 1, getpid());
	is(check(&ch, RIGHT, &status), -ECONNREFUSED,
	   "not the launcher's user, in its user namespace");
	is(status, 0, "is asked for nothing");
	ch.user_ino++;
	is(check(&ch, RIGHT, &status), 0,
	   "our own user, in another user namespace");
	is(status, 0, "is asked for nothing more");
}

static void test_proofs(void)
{
	/* A user namespace that is not known: whose the number is neither. */
	struct pw_channel ch = channel_of(geteuid() + 1, getpid());
	int status;

	ch.user_ino = 0;
	for (int how = RIGHT; how <= NONE; how++) {
		is(check(&ch, (enum answer)how, &status),
		   how == RIGHT ? 0 : -ECONNREFUSED, "%s", names[how]);
		is(status, 1, "a challenge was all that was sent");
	}
}

/* The vectors of the paper's appendix: key 00..0f, and 24 bytes 00..17. */
static void test_siphash(void)
{
	uint8_t bytes[24];
	uint64_t scope;

	for (int i = 0; i < 24; i++)
		bytes[i] = (uint8_t)i;
	memcpy(&scope, bytes + 16, sizeof(scope));
	ok(pw_proof(bytes, bytes, scope) == 0xb8ad50c6f649af94,
	   "SipHash-2-4 of 24 bytes");
}

int main(void)
{
	test_siphash();
	test_whom_the_kernel_knows();
	test_proofs();
	return tap_end();
}
