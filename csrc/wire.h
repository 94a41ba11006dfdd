/* SPDX-License-Identifier: MIT */
/**
 * DOC: The contract between the shim and the helper
 *
 * One request and at most one reply travel on each connection of the control
 * socket (AF_UNIX, SOCK_SEQPACKET), each as one packet in host byte order but
 * for the addresses. PW_OP_PROVE and its reply may precede them. Behind those
 * of PW_OP_QUERY there is a DNS message of at most PW_MESSAGE_BYTES, as long as
 * the rest of the packet. Behind PW_OP_CONNECT there may come a packet of
 * PW_HOLD_BYTES, any time before the reply: it is read after a reply without
 * error, and the connection is then the shim's to end; after one with an error
 * the helper ends the connection over the unread packet. A connection on which
 * PW_OP_KEEP comes has no reply: more of them may follow, each with one end of
 * a pair of sockets, which is a connection too. Bump PW_WIRE_VERSION
 * whenever anything here changes: the helper refuses a request of another
 * version.
 *
 * The file is read by the C compiler and, up to the assertions, by cffi.
 */
#ifndef PW_WIRE_H
#define PW_WIRE_H

#include <stddef.h>
#include <stdint.h>

#define PW_WIRE_VERSION 8
#define PW_TOKEN_BYTES 16
#define PW_NAME_BYTES 256
#define PW_MAX_ADDRS 8
#define PW_MESSAGE_BYTES 1232
#define PW_HOLD_BYTES 1152

/* What the shim asks for. */
enum pw_op {
	PW_OP_CONNECT = 1, /* lends a socket: connect it to addr */
	PW_OP_RESOLVE = 2, /* name -> addresses of addr.family (0: any) */
	PW_OP_REVERSE = 3, /* addr -> name */
	PW_OP_BLOCKED = 4, /* something was refused: tell the user */
	PW_OP_EXEC = 5,	   /* may the program in name run unwrapped? */
	PW_OP_SERVER = 6,  /* where is the name server addr asked by UDP? */
	PW_OP_QUERY = 7,   /* a DNS message -> its answer */
	PW_OP_LISTEN = 8,  /* we are under a filter: take its listener */
	PW_OP_PROVE = 9,   /* show that you know the token; may come first */
	PW_OP_KEEP = 10,   /* keep this connection; serve the socket sent */
};

/* pw_request.detail of PW_OP_BLOCKED. */
enum pw_blocked {
	PW_BLOCKED_UDP = 1,	  /* a datagram or connect to addr */
	PW_BLOCKED_RESOLVER = 2,  /* the resolver function or socket in name */
	PW_BLOCKED_SOCKET = 3,	  /* a socket of the kind in name */
	PW_BLOCKED_DNS = 4,	  /* DNS over TLS to a local stub at addr */
	PW_BLOCKED_MULTICAST = 5, /* the membership of a group */
	PW_BLOCKED_WAY = 6,	  /* what name says: a device or a route */
	PW_BLOCKED_FILTER = 7, /* the program in name, for want of a filter */
	PW_BLOCKED_SERVICE =
		8, /* nothing: a server outside, at name, is asked */
};

/* pw_request.detail of PW_OP_EXEC, and what pw_target_judge() returns. */
enum pw_target {
	PW_TARGET_OK = 0,
	PW_TARGET_STATIC = 1,	  /* no PT_INTERP: ld.so never runs */
	PW_TARGET_FOREIGN = 2,	  /* another ELF class or machine */
	PW_TARGET_LIBC = 3,	  /* an interpreter of an unknown libc */
	PW_TARGET_GO = 4,	  /* Go calls the kernel past libc */
	PW_TARGET_SECURE = 5,	  /* setuid and the like: ld.so drops us */
	PW_TARGET_UNREADABLE = 6, /* cannot be looked into */
	PW_TARGET_PRELOAD = 7,	  /* our object cannot be opened there */
	PW_TARGET_FORMAT =
		8, /* neither ELF nor a script: ENOEXEC, or binfmt_misc */
	PW_TARGET_LOADER = 9,  /* ld.so, for a program that is one of these */
	PW_TARGET_MEMORY = 10, /* our object may not fit under its limits */
	PW_TARGET_AWAY = 11,   /* none of these, in another network namespace */
	PW_TARGET_CUT_OFF = 12, /* likewise, and the helper out of its reach */
};

/**
 * struct pw_addr - an address and a port
 * @family: AF_INET, AF_INET6 or 0
 * @port: host order
 * @scope_id: of a link-local IPv6 address, host order
 * @ip: network order; IPv4 uses the first four bytes
 */
struct pw_addr {
	uint16_t family;
	uint16_t port;
	uint32_t scope_id;
	uint8_t ip[16];
};

/**
 * struct pw_request - what the shim sends, with the lent socket as SCM_RIGHTS
 * @version: PW_WIRE_VERSION; the offset of this field must not change
 * @op: enum pw_op
 * @detail: depends on @op
 * @token: proves that the sender is a wrapped process; for PROVE a nonce
 * @addr: depends on @op
 * @name_bytes: length of @name without a terminator
 * @number: for LISTEN the sender's descriptor; for BLOCKED_FILTER an errno;
 *	for BLOCKED_SERVICE the process that listens
 * @name: a host name, path or function name, as the application spelled it
 */
struct pw_request {
	uint32_t version;
	uint16_t op;
	uint16_t detail;
	uint8_t token[PW_TOKEN_BYTES];
	struct pw_addr addr;
	uint32_t name_bytes;
	int32_t number;
	char name[PW_NAME_BYTES];
};

/**
 * struct pw_reply - what the helper answers
 * @version: PW_WIRE_VERSION; the offset of this field must not change
 * @error: 0 or an errno; for RESOLVE and REVERSE, ENOENT: no such name,
 *	EAGAIN: not now
 * @count: how many of @addrs are set; for CONNECT, 1 where the connection is
 *	direct, so that the kernel knows its peer; for EXEC, 1 where the
 *	program is to run under a filter
 * @name_bytes: length of @name without a terminator
 * @addrs: the answer to RESOLVE and to SERVER
 * @name: the answer to REVERSE; the canonical name for RESOLVE; the proof for
 *	PROVE, of PW_PROOF_BYTES
 */
struct pw_reply {
	uint32_t version;
	int32_t error;
	uint32_t count;
	uint32_t name_bytes;
	struct pw_addr addrs[PW_MAX_ADDRS];
	char name[PW_NAME_BYTES];
};

_Static_assert(sizeof(struct pw_addr) == 24, "ABI");
_Static_assert(offsetof(struct pw_request, version) == 0, "ABI");
_Static_assert(offsetof(struct pw_request, token) == 8, "ABI");
_Static_assert(offsetof(struct pw_request, addr) == 24, "ABI");
_Static_assert(offsetof(struct pw_request, name_bytes) == 48, "ABI");
_Static_assert(offsetof(struct pw_request, number) == 52, "ABI");
_Static_assert(offsetof(struct pw_request, name) == 56, "ABI");
_Static_assert(sizeof(struct pw_request) == 312, "ABI");
_Static_assert(offsetof(struct pw_reply, version) == 0, "ABI");
_Static_assert(offsetof(struct pw_reply, addrs) == 16, "ABI");
_Static_assert(offsetof(struct pw_reply, name) == 208, "ABI");
_Static_assert(sizeof(struct pw_reply) == 464, "ABI");

#endif
