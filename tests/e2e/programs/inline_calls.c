/* SPDX-License-Identifier: MIT */
/*
 * usage: inline_calls CALL ADDRESS PORT
 *
 * Calls the kernel by an instruction of its own, past every library: `connect`
 * and then says hello, `sendto`, `io_uring`.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static long call(long number, long a, long b, long c, long d, long e, long f)
{
	long ret;
#if defined(__x86_64__)
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10),
			   "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	ret = x0;
#endif
	return ret;
}

static int say(long result)
{
	puts(result < 0 ? strerror((int)-result) : "ok");
	return result < 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	char text[] = "hello", room[128] = { 0 };
	int fd;

	if (argc != 4)
		return 2;
	inet_pton(AF_INET, argv[2], &to.sin_addr);
	to.sin_port = htons((uint16_t)atoi(argv[3]));
	if (strcmp(argv[1], "io_uring") == 0)
		return say(call(SYS_io_uring_setup, 1, (long)room, 0, 0, 0, 0));
	if (strcmp(argv[1], "sendto") == 0) {
		fd = socket(AF_INET, SOCK_DGRAM, 0);
		return say(call(SYS_sendto, fd, (long)text, 5, 0, (long)&to,
				sizeof(to)));
	}
	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (say(call(SYS_connect, fd, (long)&to, sizeof(to), 0, 0, 0)))
		return 1;
	if (write(fd, text, 5) != 5 || shutdown(fd, SHUT_WR) < 0 ||
	    read(fd, room, sizeof(room)) < 0)
		return 1;
	puts(room);
	return 0;
}
