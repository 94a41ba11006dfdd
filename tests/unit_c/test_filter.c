/* SPDX-License-Identifier: MIT */
// sources: csrc/notify/filter.c
/* The filter, run by an interpreter of what it is made of, and by the kernel.
 */
#include "notify/filter.h"

#include "tap.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#define OTHER_ARCH AUDIT_ARCH_I386
#else
#define ARCH AUDIT_ARCH_AARCH64
#define OTHER_ARCH AUDIT_ARCH_ARM
#endif

#define CHECK(condition) ok(condition, "%s", #condition)
#define HIGH (0xdeadbeefUL << 32)

enum {
	NOTIFY = SECCOMP_RET_USER_NOTIF,
	ALLOW = SECCOMP_RET_ALLOW,
	MISSING = SECCOMP_RET_ERRNO | ENOSYS,
	X32_BIT = 0x40000000,
};

static struct sock_filter filter[PW_FILTER_MAX];
static size_t length;

/* What the kernel makes of it; 0xffffffff if it is not sound. */
static uint32_t run(const struct seccomp_data *data)
{
	uint32_t a = 0, x = 0;

	for (size_t at = 0; at < length; at++) {
		const struct sock_filter *f = &filter[at];

		switch (f->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			if (f->k % 4 || f->k + 4 > sizeof(*data))
				return UINT32_MAX;
			memcpy(&a, (const char *)data + f->k, 4);
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			at += a == f->k ? f->jt : f->jf;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			at += a >= f->k ? f->jt : f->jf;
			break;
		case BPF_JMP | BPF_JSET | BPF_K:
			at += a & f->k ? f->jt : f->jf;
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= f->k;
			break;
		case BPF_ALU | BPF_OR | BPF_X:
			a |= x;
			break;
		case BPF_MISC | BPF_TAX:
			x = a;
			break;
		case BPF_RET | BPF_K:
			return f->k;
		default:
			return UINT32_MAX;
		}
	}
	return UINT32_MAX;
}

static uint32_t verdict(int number, uint64_t a0, uint64_t a1, uint64_t a2,
			uint64_t a4)
{
	struct seccomp_data data = { .nr = number,
				     .arch = ARCH,
				     .args = { a0, a1, a2, 0, a4, 0 } };

	return run(&data);
}

static void test_calls(void)
{
	const int always[] = { SYS_connect, SYS_sendmsg,  SYS_sendmmsg,
			       SYS_recvmsg, SYS_recvmmsg, SYS_getpeername };
	const int missing[] = { SYS_io_uring_setup, SYS_io_uring_enter,
				SYS_io_uring_register };
	const int with_address[] = { SYS_sendto, SYS_recvfrom };
	bool same = true;

	for (size_t i = 0; i < 6; i++)
		same &= verdict(always[i], 0, 0, 0, 0) == NOTIFY;
	CHECK(same);
	for (size_t i = 0; i < 3; i++)
		same &= verdict(missing[i], 0, 0, 0, 0) == MISSING;
	CHECK(same);
	for (size_t i = 0; i < 2; i++) {
		CHECK(verdict(with_address[i], 1, 2, 3, 0) == ALLOW);
		CHECK(verdict(with_address[i], 1, 2, 3, 8) == NOTIFY);
		CHECK(verdict(with_address[i], 1, 2, 3, 1UL << 63) == NOTIFY);
		CHECK(verdict(with_address[i], 1, 2, 3, 1UL << 32) == NOTIFY);
	}
	for (int number = 0; number < 1000; number++)
		same &= verdict(number, 0, 0, 0, 0) != NOTIFY ||
			pw_filter_call(number) != PW_CALL_OTHER;
	CHECK(same);
	CHECK(verdict(SYS_read, 0, 0, 0, 0) == ALLOW);
	CHECK(verdict(SYS_close, 0, 0, 0, 0) == ALLOW);
	CHECK(verdict(SYS_getsockopt, 0, SOL_SOCKET, SO_TYPE, 0) == ALLOW);
}

static uint32_t of_socket(uint64_t family, uint64_t type, uint64_t protocol)
{
	uint32_t low = verdict(SYS_socket, family, type, protocol, 0);
	uint32_t high = verdict(SYS_socket, HIGH | family, HIGH | type,
				HIGH | protocol, 0);

	/* They are ints: the kernel does not look at the high word. */
	return low == high ? low : UINT32_MAX;
}

static void test_sockets(void)
{
	const int inet[] = { AF_INET, AF_INET6 };
	const int others[] = { AF_PACKET, AF_VSOCK, 44 /* AF_XDP */,
			       43 /* AF_SMC */, 31 /* AF_BLUETOOTH */ };

	for (size_t i = 0; i < 2; i++) {
		CHECK(of_socket(inet[i], SOCK_STREAM, 0) == ALLOW);
		CHECK(of_socket(inet[i], SOCK_STREAM | SOCK_NONBLOCK, 6) ==
		      ALLOW);
		CHECK(of_socket(inet[i], SOCK_DGRAM | SOCK_CLOEXEC, 17) ==
		      ALLOW);
		CHECK(of_socket(inet[i], SOCK_STREAM, 262) == NOTIFY);
		CHECK(of_socket(inet[i], SOCK_STREAM, 132) == NOTIFY);
		CHECK(of_socket(inet[i], SOCK_DGRAM, 1) == NOTIFY);
		CHECK(of_socket(inet[i], SOCK_DGRAM, 136) == NOTIFY);
		CHECK(of_socket(inet[i], SOCK_RAW, 255) == NOTIFY);
		CHECK(of_socket(inet[i], SOCK_SEQPACKET, 0) == NOTIFY);
		CHECK(of_socket(inet[i], 10 /* SOCK_PACKET */, 0) == NOTIFY);
	}
	for (size_t i = 0; i < 5; i++)
		CHECK(of_socket(others[i], SOCK_RAW, 0) == NOTIFY);
	CHECK(of_socket(AF_UNIX, SOCK_DGRAM, 0) == ALLOW);
	CHECK(of_socket(AF_NETLINK, SOCK_RAW, 4) == ALLOW);
}

static void test_options(void)
{
	const struct {
		int level, name;
	} set[] = {
		{ SOL_SOCKET, SO_BINDTODEVICE },
		{ SOL_SOCKET, SO_BINDTOIFINDEX },
		{ IPPROTO_IP, IP_OPTIONS },
		{ IPPROTO_IP, 50 },
		{ IPPROTO_IP, IP_ADD_MEMBERSHIP },
		{ IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP },
		{ IPPROTO_IP, MCAST_JOIN_GROUP },
		{ IPPROTO_IP, MCAST_JOIN_SOURCE_GROUP },
		{ IPPROTO_IPV6, IPV6_RTHDR },
		{ IPPROTO_IPV6, IPV6_2292PKTOPTIONS },
		{ IPPROTO_IPV6, IPV6_PKTINFO },
		{ IPPROTO_IPV6, 76 },
		{ IPPROTO_IPV6, IPV6_JOIN_GROUP },
		{ IPPROTO_IPV6, IPV6_JOIN_ANYCAST },
		{ IPPROTO_IPV6, MCAST_JOIN_GROUP },
		{ IPPROTO_IPV6, MCAST_JOIN_SOURCE_GROUP },
	};
	size_t n = sizeof(set) / sizeof(set[0]);

	for (size_t i = 0; i < n; i++) {
		uint64_t level = HIGH | (uint64_t)set[i].level;
		uint64_t name = HIGH | (uint64_t)set[i].name;

		CHECK(verdict(SYS_setsockopt, 3, level, name, 4) == NOTIFY);
		CHECK(verdict(SYS_setsockopt, 3, 6, name, 4) == ALLOW);
		CHECK(verdict(SYS_getsockopt, 3, level, name, 0) == ALLOW);
	}
	CHECK(verdict(SYS_getsockopt, 3, SOL_SOCKET, SO_ERROR, 0) == NOTIFY);
	CHECK(verdict(SYS_setsockopt, 3, SOL_SOCKET, SO_KEEPALIVE, 4) == ALLOW);
	CHECK(verdict(SYS_setsockopt, 3, IPPROTO_TCP, 1, 4) == ALLOW);
}

static void test_foreign_calls(void)
{
	struct seccomp_data data = { .nr = SYS_read, .arch = OTHER_ARCH };

	CHECK(run(&data) == MISSING);
	data.arch = 0;
	CHECK(run(&data) == MISSING);
	CHECK(verdict(X32_BIT | SYS_read, 0, 0, 0, 0) == MISSING);
	CHECK(verdict(X32_BIT | SYS_connect, 0, 0, 0, 0) == MISSING);
	CHECK(verdict(-1, 0, 0, 0, 0) == MISSING);
}

#if defined(__x86_64__)
static long by_interrupt(long number)
{
	long ret;

	__asm__ volatile("int $0x80"
			 : "=a"(ret)
			 : "a"(number), "b"(0), "c"(0), "d"(0)
			 : "memory");
	return ret;
}
#endif

/* The kernel takes it: what it lets pass passes, nothing is killed. */
static int under_filter(void)
{
	int listener = pw_filter_install();

	if (listener < 0)
		return 1;
	if (syscall(SYS_io_uring_setup, 1, NULL) != -1 || errno != ENOSYS)
		return 2;
	if (syscall(X32_BIT | SYS_getpid) != -1 || errno != ENOSYS)
		return 3;
#if defined(__x86_64__)
	/* As a 32-bit program asks for its process, and for a socket. */
	if (by_interrupt(20) != -ENOSYS || by_interrupt(359) != -ENOSYS)
		return 4;
#endif
	if (syscall(SYS_socket, AF_INET, SOCK_STREAM, 0) < 0)
		return 5;
	if (pw_filter_install() != -EBUSY)
		return 6;
	close(listener);
	/* Nobody answers now. */
	if (syscall(SYS_socket, AF_INET, SOCK_RAW, 1) != -1 || errno != ENOSYS)
		return 7;
	return 0;
}

static void test_kernel(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(under_filter());
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(status == 0);
}

int main(void)
{
	length = pw_filter_build(filter);
	CHECK(length > 0 && length <= PW_FILTER_MAX);
	test_calls();
	test_sockets();
	test_options();
	test_foreign_calls();
	test_kernel();
	return tap_end();
}
