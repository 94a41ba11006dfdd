/* Print what a program inherits from whoever started it.
 *
 * Signal dispositions and mask, resource limits, umask, open descriptors,
 * groups and terminal, niceness, arguments and environment.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

static void print_signals(void)
{
	sigset_t mask;

	sigprocmask(SIG_SETMASK, NULL, &mask);
	for (int number = 1; number < NSIG; number++) {
		struct sigaction action;

		if (sigaction(number, NULL, &action) != 0)
			continue;
		printf("signal %d: %s%s\n", number,
		       action.sa_handler == SIG_DFL   ? "default"
		       : action.sa_handler == SIG_IGN ? "ignored"
						      : "caught",
		       sigismember(&mask, number) ? ", blocked" : "");
	}
}

static void print_limits(void)
{
	for (int resource = 0; resource < RLIM_NLIMITS; resource++) {
		struct rlimit limit;

		if (getrlimit(resource, &limit) == 0)
			printf("limit %d: %ju %ju\n", resource,
			       (uintmax_t)limit.rlim_cur,
			       (uintmax_t)limit.rlim_max);
	}
}

static void print_descriptors(void)
{
	for (int fd = 0; fd < 65536; fd++) {
		struct stat status;
		int flags = fcntl(fd, F_GETFD);

		if (flags < 0 || fstat(fd, &status) != 0)
			continue;
		printf("descriptor %d: %o, inode %ju, flags %d %#x\n", fd,
		       status.st_mode & S_IFMT, (uintmax_t)status.st_ino, flags,
		       fcntl(fd, F_GETFL));
	}
}

static void print_groups(void)
{
	pid_t foreground = tcgetpgrp(0);

	printf("foreground: %s\n", foreground < 0	     ? strerror(errno)
				   : foreground == getpgrp() ? "yes"
							     : "no");
	printf("leads its group: %s\n", getpgrp() == getpid() ? "yes" : "no");
	printf("group: %d, session: %d\n", (int)getpgrp(), (int)getsid(0));
	printf("nice: %d, subreaper and privileges:",
	       getpriority(PRIO_PROCESS, 0));
	int subreaper = 0;
	prctl(PR_GET_CHILD_SUBREAPER, &subreaper, 0, 0, 0);
	printf(" %d %d\n", subreaper, prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
}

int main(int argc, char **argv)
{
	char directory[4096];
	mode_t mask = umask(0);

	print_signals();
	print_limits();
	printf("umask: %o\n", mask);
	print_descriptors();
	print_groups();
	printf("directory: %s\n", getcwd(directory, sizeof(directory)));
	for (int i = 0; i < argc; i++)
		printf("argument %d: %s\n", i, argv[i]);
	for (char **entry = environ; *entry != NULL; entry++)
		if (strncmp(*entry, "LD_PRELOAD=", 11) != 0 &&
		    strncmp(*entry, "PROXYWRAP_", 10) != 0)
			printf("environment: %s\n", *entry);
	return 0;
}
