/* SPDX-License-Identifier: MIT */
/**
 * DOC: Who listens
 *
 * When the helper is gone anybody may bind its abstract name, and in another
 * root or network namespace its path or its name may be somebody else's. So
 * nothing is sent, no token, name or socket, before it is known that
 *
 * - the kernel says (SO_PEERCRED) that who listens has the user and process id
 *   that the launcher had. A user id means a user in one user namespace only,
 *   therefore this one must be the launcher's, or the listener's user our own;
 * - or else who listens knows the token: it answers a challenge (proof.h),
 *   which takes a round trip. That is for other user namespaces.
 */
#include "listener.h"

#include "proof.h"

#include <fcntl.h>
#include <sys/stat.h>

enum {
	OVERFLOW_UID = 65534, /* whoever has no id in our user namespace */
	PATIENCE_S = 10,      /* for the answer to a challenge */
};

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71 /* Linux 5.14 */
#endif

/* 1: our user namespace is the launcher's, 0: it is not, -1: unknown */
static int is_at_home(const struct pw_channel *ch)
{
	struct stat st;

	if (!ch->user_ino ||
	    pw_sys(SYS_newfstatat, AT_FDCWD, "/proc/self/ns/user", &st, 0) < 0)
		return -1;
	return st.st_dev == ch->user_dev && st.st_ino == ch->user_ino;
}

/* 1: the kernel vouches for it, 0: it is a stranger, -1: unknown */
static int vouched_for(int ctl, const struct pw_channel *ch)
{
	struct ucred peer = { 0 };
	socklen_t n = sizeof(peer);
	bool is_launchers, is_own;
	int home;

	if (pw_sys(SYS_getsockopt, ctl, SOL_SOCKET, SO_PEERCRED, &peer, &n) < 0)
		return 0;
	/* A process of another process id namespace has none here. */
	if (peer.pid != 0 && peer.pid != (pid_t)ch->pid)
		return 0;
	if (peer.uid == OVERFLOW_UID)
		return -1;
	is_launchers = peer.uid == ch->uid;
	is_own = peer.uid == (uid_t)pw_sys(SYS_geteuid);
	if (is_launchers && is_own)
		return 1;
	home = is_at_home(ch);
	if (home < 0)
		return is_launchers || is_own ? -1 : 0;
	return home ? is_launchers : is_own ? 1 : -1;
}

static uint64_t scope_of(int ctl, bool is_abstract)
{
	uint64_t cookie = 0;
	socklen_t n = sizeof(cookie);

	if (is_abstract)
		pw_sys(SYS_getsockopt, ctl, SOL_SOCKET, SO_NETNS_COOKIE,
		       &cookie, &n);
	return cookie;
}

/* Wait until there is something to be read, or long enough. */
static bool has_answer(int ctl)
{
	struct pollfd one = { .fd = ctl, .events = POLLIN };
	struct timespec left = { .tv_sec = PATIENCE_S };
	long ret;

	do
		ret = pw_sys(SYS_ppoll, &one, 1, &left, NULL, 0);
	while (ret == -EINTR); /* the kernel has written what is left */
	return ret == 1;
}

PW_APART static bool proves_itself(int ctl, const struct pw_channel *ch,
				   bool is_abstract)
{
	uint8_t nonce[PW_NONCE_BYTES];
	uint64_t scope = scope_of(ctl, is_abstract), proof;
	union {
		struct pw_request request;
		struct pw_reply reply;
	} packet = { .request = { .version = PW_WIRE_VERSION,
				  .op = PW_OP_PROVE } };

	if (is_abstract && !scope)
		return false; /* before Linux 5.14 */
	if (pw_sys(SYS_getrandom, nonce, sizeof(nonce), 0) != sizeof(nonce))
		return false;
	memcpy(packet.request.token, nonce, sizeof(nonce));
	if (pw_sys(SYS_sendto, ctl, &packet.request, sizeof(packet.request),
		   MSG_NOSIGNAL | MSG_DONTWAIT, NULL,
		   0) != sizeof(packet.request) ||
	    !has_answer(ctl) ||
	    pw_sys(SYS_recvfrom, ctl, &packet.reply, sizeof(packet.reply),
		   MSG_DONTWAIT, NULL, NULL) != sizeof(packet.reply))
		return false;
	if (packet.reply.version != PW_WIRE_VERSION || packet.reply.error ||
	    packet.reply.name_bytes != PW_PROOF_BYTES)
		return false;
	memcpy(&proof, packet.reply.name, sizeof(proof));
	return proof == pw_proof(ch->token, nonce, scope);
}

/**
 * pw_listener_check() - Whether a connection leads to the helper
 * @ctl: connected, and nothing sent yet
 * @ch: what we were told of it
 * @is_abstract: by its abstract name, not by its path
 *
 * Return: 0, or -ECONNREFUSED
 * Context: waits for the helper in a user namespace that is not the
 *	launcher's and where the listener's user is not our own, 10 s at most
 */
int pw_listener_check(int ctl, const struct pw_channel *ch, bool is_abstract)
{
	int ret = vouched_for(ctl, ch);

	if (pw_unlikely(ret < 0))
		ret = proves_itself(ctl, ch, is_abstract);
	return ret ? 0 : -ECONNREFUSED;
}
