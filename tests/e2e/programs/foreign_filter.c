/* SPDX-License-Identifier: MIT */
/*
 * usage: foreign_filter KIND PROGRAM ARGUMENTS...
 *
 * Executes a program under a seccomp filter that is not proxywrap's: one with a
 * `listener`, as a container's supervisor has, or one by which seccomp(2)
 * fails with EPERM (`forbids`).
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sock_filter forbids[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_seccomp, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .filter = forbids, .len = 4 };
	unsigned long flags = 0;
	long listener;

	if (argc < 3)
		return 2;
	if (strcmp(argv[1], "listener") == 0) {
		program.filter = forbids + 3;
		program.len = 1;
		flags = SECCOMP_FILTER_FLAG_NEW_LISTENER;
	}
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	listener =
		syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
	/* It must be there as long as the program: nobody to answer is ENOSYS.
	 */
	if (listener < 0 || (flags && dup2((int)listener, 100) < 0)) {
		perror("seccomp");
		return 3;
	}
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 127;
}
