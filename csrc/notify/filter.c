/* SPDX-License-Identifier: MIT */
/**
 * DOC: The filter
 *
 * A table of rules, each a system call, conditions on its arguments and what
 * becomes of it; the first rule whose conditions all hold counts, and a call
 * without one is the kernel's own affair. The kernel notes by itself which
 * calls no rule looks at, and asks the filter no more about them.
 *
 * Calls of another architecture (int $0x80, x32) do not exist: ENOSYS, and
 * nothing is killed.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "filter.h"

#include "../preload/sys.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#if defined(__x86_64__)
#define OUR_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OUR_ARCH AUDIT_ARCH_AARCH64
#endif

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

enum {
	X32_BIT = 0x40000000,
	TYPE_MASK = 0xf,
	MAX_CONDITIONS = 3,
};

enum op {
	NONE,
	IS,	 /* the low word, for an int */
	TYPE_IS, /* likewise, of a socket's type */
	IS_SET,	 /* both words, for a pointer */
};

struct condition {
	uint8_t op, arg;
	uint32_t value;
};

struct rule {
	uint32_t number;
	uint32_t action;
	struct condition conditions[MAX_CONDITIONS];
};

#define NOTIFY SECCOMP_RET_USER_NOTIF
#define ALLOW SECCOMP_RET_ALLOW
#define MISSING (SECCOMP_RET_ERRNO | ENOSYS)

#define OPTION(call, action, level, name)   \
	{                                   \
		SYS_##call, action,         \
		{                           \
			{ IS, 1, level },   \
			{                   \
				IS, 2, name \
			}                   \
		}                           \
	}
#define FAMILY(family)                          \
	{                                       \
		SYS_socket, ALLOW,              \
		{                               \
			{                       \
				IS, 0, (family) \
			}                       \
		}                               \
	}
#define INET(family, type, protocol)                             \
	{                                                        \
		SYS_socket, ALLOW,                               \
		{                                                \
			{ IS, 0, family }, { TYPE_IS, 1, type }, \
			{                                        \
				IS, 2, protocol                  \
			}                                        \
		}                                                \
	}

/* Of the options, those that join a multicast group, for the network is told
 * of that, and those that choose a way past an address. */
static const struct rule rules[] = {
	{ SYS_connect, NOTIFY, { { NONE, 0, 0 } } },
	{ SYS_sendto, NOTIFY, { { IS_SET, 4, 0 } } },
	{ SYS_sendmsg, NOTIFY, { { NONE, 0, 0 } } },
	{ SYS_sendmmsg, NOTIFY, { { NONE, 0, 0 } } },
	{ SYS_recvfrom, NOTIFY, { { IS_SET, 4, 0 } } },
	{ SYS_recvmsg, NOTIFY, { { NONE, 0, 0 } } },
	{ SYS_recvmmsg, NOTIFY, { { NONE, 0, 0 } } },
	{ SYS_getpeername, NOTIFY, { { NONE, 0, 0 } } },
	FAMILY(AF_UNSPEC),
	FAMILY(AF_UNIX),
	FAMILY(AF_NETLINK),
	FAMILY(AF_ALG),
	INET(AF_INET, SOCK_STREAM, 0),
	INET(AF_INET, SOCK_STREAM, IPPROTO_TCP),
	INET(AF_INET, SOCK_DGRAM, 0),
	INET(AF_INET, SOCK_DGRAM, IPPROTO_UDP),
	INET(AF_INET6, SOCK_STREAM, 0),
	INET(AF_INET6, SOCK_STREAM, IPPROTO_TCP),
	INET(AF_INET6, SOCK_DGRAM, 0),
	INET(AF_INET6, SOCK_DGRAM, IPPROTO_UDP),
	{ SYS_socket, NOTIFY, { { NONE, 0, 0 } } },
	OPTION(getsockopt, NOTIFY, SOL_SOCKET, SO_ERROR),
	OPTION(setsockopt, NOTIFY, SOL_SOCKET, SO_BINDTODEVICE),
	OPTION(setsockopt, NOTIFY, SOL_SOCKET, SO_BINDTOIFINDEX),
	OPTION(setsockopt, NOTIFY, IPPROTO_IP, IP_OPTIONS),
	OPTION(setsockopt, NOTIFY, IPPROTO_IP, 50 /* IP_UNICAST_IF */),
	OPTION(setsockopt, NOTIFY, IPPROTO_IP, IP_ADD_MEMBERSHIP),
	OPTION(setsockopt, NOTIFY, IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP),
	OPTION(setsockopt, NOTIFY, IPPROTO_IP, MCAST_JOIN_GROUP),
	OPTION(setsockopt, NOTIFY, IPPROTO_IP, MCAST_JOIN_SOURCE_GROUP),
	OPTION(setsockopt, NOTIFY, IPPROTO_IPV6, IPV6_RTHDR),
	OPTION(setsockopt, NOTIFY, IPPROTO_IPV6, IPV6_2292PKTOPTIONS),
	OPTION(setsockopt, NOTIFY, IPPROTO_IPV6, IPV6_PKTINFO),
	OPTION(setsockopt, NOTIFY, IPPROTO_IPV6, 76 /* IPV6_UNICAST_IF */),
	OPTION(setsockopt, NOTIFY, IPPROTO_IPV6, IPV6_JOIN_GROUP),
	OPTION(setsockopt, NOTIFY, IPPROTO_IPV6, IPV6_JOIN_ANYCAST),
	OPTION(setsockopt, NOTIFY, IPPROTO_IPV6, MCAST_JOIN_GROUP),
	OPTION(setsockopt, NOTIFY, IPPROTO_IPV6, MCAST_JOIN_SOURCE_GROUP),
	/* It could connect and send by itself; every program seen falls back.
	 */
	{ SYS_io_uring_setup, MISSING, { { NONE, 0, 0 } } },
	{ SYS_io_uring_enter, MISSING, { { NONE, 0, 0 } } },
	{ SYS_io_uring_register, MISSING, { { NONE, 0, 0 } } },
};

enum {
	RULES = sizeof(rules) / sizeof(rules[0])
};

struct program {
	struct sock_filter *out;
	size_t n;
};

static void emit(struct program *p, uint16_t code, uint32_t k)
{
	p->out[p->n++] = (struct sock_filter){ .code = code, .k = k };
}

static void load(struct program *p, size_t offset)
{
	emit(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset);
}

static size_t low_word(unsigned int arg)
{
	return offsetof(struct seccomp_data, args) + arg * sizeof(uint64_t);
}

/* Go on where the word is @value; else jump, to where is not known yet. */
static size_t go_on_if(struct program *p, uint32_t value)
{
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, value);
	return p->n - 1;
}

/* Have a jump lead to the next instruction. */
static void land(struct program *p, size_t jump)
{
	p->out[jump].jf = (uint8_t)(p->n - jump - 1);
}

static size_t emit_condition(struct program *p, const struct condition *c)
{
	load(p, low_word(c->arg));
	if (c->op == TYPE_IS)
		emit(p, BPF_ALU | BPF_AND | BPF_K, TYPE_MASK);
	if (c->op != IS_SET)
		return go_on_if(p, c->value);
	/* Both words in one: all that matters is whether a bit is set. */
	emit(p, BPF_MISC | BPF_TAX, 0);
	load(p, low_word(c->arg) + sizeof(uint32_t));
	emit(p, BPF_ALU | BPF_OR | BPF_X, 0);
	emit(p, BPF_JMP | BPF_JSET | BPF_K, UINT32_MAX);
	return p->n - 1;
}

static void emit_rule(struct program *p, const struct rule *rule)
{
	size_t jumps[MAX_CONDITIONS], n = 0;

	while (n < MAX_CONDITIONS && rule->conditions[n].op != NONE) {
		jumps[n] = emit_condition(p, &rule->conditions[n]);
		n++;
	}
	emit(p, BPF_RET | BPF_K, rule->action);
	while (n--)
		land(p, jumps[n]);
}

/**
 * pw_filter_build() - The filter as the kernel takes it
 *
 * Return: how many instructions it has
 */
size_t pw_filter_build(struct sock_filter out[static PW_FILTER_MAX])
{
	struct program p = { .out = out };
	size_t jump;

	load(&p, offsetof(struct seccomp_data, arch));
	jump = go_on_if(&p, OUR_ARCH);
	load(&p, offsetof(struct seccomp_data, nr));
	/* Over the next: the jump of a foreign architecture leads there. */
	emit(&p, BPF_JMP | BPF_JGE | BPF_K, X32_BIT);
	out[p.n - 1].jf = 1;
	land(&p, jump);
	emit(&p, BPF_RET | BPF_K, MISSING);
	for (size_t i = 0; i < RULES;) {
		uint32_t number = rules[i].number;

		load(&p, offsetof(struct seccomp_data, nr));
		jump = go_on_if(&p, number);
		for (; i < RULES && rules[i].number == number; i++)
			emit_rule(&p, &rules[i]);
		emit(&p, BPF_RET | BPF_K, ALLOW);
		land(&p, jump);
	}
	emit(&p, BPF_RET | BPF_K, ALLOW);
	return p.n;
}

/* What a notified system call is. */
enum pw_call pw_filter_call(int number)
{
	switch (number) {
	case SYS_connect:
		return PW_CALL_CONNECT;
	case SYS_sendto:
		return PW_CALL_SENDTO;
	case SYS_sendmsg:
		return PW_CALL_SENDMSG;
	case SYS_sendmmsg:
		return PW_CALL_SENDMMSG;
	case SYS_recvfrom:
		return PW_CALL_RECVFROM;
	case SYS_recvmsg:
		return PW_CALL_RECVMSG;
	case SYS_recvmmsg:
		return PW_CALL_RECVMMSG;
	case SYS_socket:
		return PW_CALL_SOCKET;
	case SYS_getsockopt:
		return PW_CALL_GETSOCKOPT;
	case SYS_setsockopt:
		return PW_CALL_SETSOCKOPT;
	case SYS_getpeername:
		return PW_CALL_GETPEERNAME;
	default:
		return PW_CALL_OTHER;
	}
}

/**
 * pw_filter_install() - Put the filter over the calling thread
 *
 * What is executed from here on gains no privileges (PR_SET_NO_NEW_PRIVS). The
 * filter is inherited by children and cannot be taken off.
 *
 * Return: the listener, close-on-exec, or -errno: EBUSY where there is another
 *	filter with a listener, EINVAL or ENOSYS where the kernel has none
 */
int pw_filter_install(void)
{
	/* Not on the stack, of which there may be little. Whoever is here at
	 * the same time writes the same. */
	static struct sock_filter filter[PW_FILTER_MAX];
	struct sock_fprog prog = { .filter = filter };
	/* A filter that is no sandbox needs none of the measures against
	 * speculation that slowed the whole program before Linux 5.16. */
	unsigned long flags = SECCOMP_FILTER_FLAG_NEW_LISTENER |
			      SECCOMP_FILTER_FLAG_SPEC_ALLOW;
	long ret;

	prog.len = (unsigned short)pw_filter_build(filter);
	ret = pw_sys(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (ret < 0)
		return (int)ret;
	/* Once we have looked at a call, only a fatal signal breaks it off: a
	 * program that is sent signals all the time would begin it for ever. */
	ret = pw_sys(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
		     flags | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &prog);
	if (ret == -EINVAL) /* before Linux 5.19 */
		ret = pw_sys(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags,
			     &prog);
	return (int)ret;
}
