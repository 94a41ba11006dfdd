// sources: csrc/preload/channel.c csrc/preload/listener.c
// sources: csrc/preload/proof.c
// sources: csrc/preload/lifeline.c csrc/preload/fdtable.c csrc/preload/guard.c
/* The numbers of control connections. */
#include "tap.h"

#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "preload/channel.h"

extern char **environ;

#define TOKEN "000102030405060708090a0b0c0d0e0f"

static int listen_at(const char *name)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	strcpy(un.sun_path + 1, name);
	bind(fd, (struct sockaddr *)&un,
	     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
			 strlen(name)));
	listen(fd, 4096);
	return fd;
}

static void limit_descriptors(rlim_t n)
{
	struct rlimit limit = { .rlim_cur = n, .rlim_max = n };

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = n;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int open_and_close(void)
{
	int fd = pw_channel_open(true);

	close(fd);
	return fd;
}

static void test_a_number_is_not_given_again_at_once(rlim_t limit)
{
	int first = open_and_close(), again;
	int n = 1;

	for (again = open_and_close(); again != first && n < 5000; n++)
		again = open_and_close();
	ok(n >= 200 && n < 5000, "under %lu, it comes again after %d others",
	   (unsigned long)limit, n);
	ok(first >= (int)limit / 4 * 3 || first >= 1024, "it is a high one");
}

static void test_a_number_that_is_taken(rlim_t limit)
{
	int lower = 0;

	/* The last ones are somebody else's. */
	for (int fd = (int)limit - 8; fd < (int)limit; fd++)
		dup2(0, fd);
	for (int i = 0; i < 600; i++)
		lower += open_and_close() < (int)limit / 4 * 3;
	is(lower, 0, "there is always a high one");
}

int main(void)
{
	static char value[256];
	char *variables[] = { value, NULL };

	/* The user namespace is of no account where the user is our own. */
	sprintf(value,
		PW_CHANNEL_VARIABLE
		"=" PW_TEXT(PW_WIRE_VERSION) ":" TOKEN
					     ":%u.%d.0.0:test-channel-open:/"
					     "none:/none",
		geteuid(), getpid());
	environ = variables;
	ok(listen_at("test-channel-open") >= 0, "a listener");
	limit_descriptors(4096);
	test_a_number_is_not_given_again_at_once(4096);
	limit_descriptors(1024);
	test_a_number_is_not_given_again_at_once(1024);
	test_a_number_that_is_taken(1024);
	return tap_end();
}
