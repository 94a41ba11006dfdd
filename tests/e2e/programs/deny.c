/* SPDX-License-Identifier: MIT */
/*
 * usage: deny ERRNO NUMBER[,NUMBER]... COMMAND [ARG]...
 *
 * Runs COMMAND under a seccomp filter by which the system calls of these
 * numbers fail with ERRNO, as a container's does.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	MAX_CALLS = 20
};

static struct sock_filter code[2 * MAX_CALLS + 2];
static unsigned short length;

static void add(unsigned short op, unsigned int value, unsigned char otherwise)
{
	code[length++] =
		(struct sock_filter){ .code = op, .jf = otherwise, .k = value };
}

int main(int argc, char **argv)
{
	struct sock_fprog program = { .filter = code };
	unsigned int outcome;
	int calls = 0;

	if (argc < 4)
		return 2;
	outcome = SECCOMP_RET_ERRNO | (unsigned int)atoi(argv[1]);
	add(BPF_LD | BPF_W | BPF_ABS, 0, 0);
	for (char *number = strtok(argv[2], ","); number && calls < MAX_CALLS;
	     number = strtok(NULL, ","), calls++) {
		add(BPF_JMP | BPF_JEQ | BPF_K, (unsigned int)atoi(number), 1);
		add(BPF_RET | BPF_K, outcome, 0);
	}
	add(BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0);
	program.len = length;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0) {
		perror("deny");
		return 2;
	}
	execvp(argv[3], argv + 3);
	perror(argv[3]);
	return 2;
}
