/* SPDX-License-Identifier: MIT */
/*
 * What needs little stack gets along with little: a handler's alternate stack
 * of 8 KiB (SIGSTKSZ of old), and threads of 16 KiB (PTHREAD_STACK_MIN).
 *
 * The ARGUMENT "cleared" takes everything out of the environment first,
 * "large" puts 1,500 variables in its place.
 */
#include <pthread.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/mman.h>

#include "trace.h"

enum {
	HANDLERS_BYTES = 8192,
	THREADS_BYTES = 16384,
	GUARD_BYTES = 65536, /* below it, where nothing may be */
	MANY = 1500
};

static char *child[] = { "true", NULL };

static void tell_status(const char *what, pid_t pid)
{
	int status = -1;

	MUST(pid > 0 && waitpid(pid, &status, 0) == pid);
	say("%s: status %x", what, (unsigned int)status);
}

static void in_child(const char *what)
{
	pid_t pid = fork();

	if (pid == 0) {
		if (is_mode("execvp"))
			execvp("true", child);
		else if (is_mode("missing"))
			execvp("there-is-no-such-program", child);
		else if (is_mode("execl"))
			execl("/bin/true", "true", NULL);
		else
			execve("/bin/true", child, environ);
		_exit(errno);
	}
	tell_status(what, pid);
}

static void at_signal(int number)
{
	(void)number;
	in_child(mode);
}

static void play_handler(void)
{
	struct sigaction action = { .sa_handler = at_signal,
				    .sa_flags = SA_ONSTACK };
	stack_t stack = { .ss_size = HANDLERS_BYTES };
	char *memory = mmap(NULL, 2 * GUARD_BYTES + HANDLERS_BYTES, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	MUST(memory != MAP_FAILED);
	stack.ss_sp = memory + GUARD_BYTES;
	MUST(mprotect(stack.ss_sp, HANDLERS_BYTES, PROT_READ | PROT_WRITE) ==
	     0);
	MUST(sigaltstack(&stack, NULL) == 0);
	MUST(sigaction(SIGUSR1, &action, NULL) == 0);
	raise(SIGUSR1);
}

static void look_up(void)
{
	struct addrinfo hints = { .ai_family = AF_INET,
				  .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;

	say("getaddrinfo: %d", getaddrinfo("localhost", "80", &hints, &list));
	freeaddrinfo(list);
}

static void wait_by_epoll(void)
{
	struct epoll_event event = { .events = EPOLLOUT };
	int set = epoll_create1(0), fd = tcp(SOCK_NONBLOCK);

	MUST(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) == 0);
	MUST(connect(fd, DEST) < 0 && errno == EINPROGRESS);
	go();
	MUST(epoll_wait(set, &event, 1, 20000) == 1);
	say("events %x, SO_ERROR %d", event.events, so_error(fd));
}

static void wait_by_select(void)
{
	int fd = pending();
	fd_set out;

	FD_ZERO(&out);
	FD_SET(fd, &out);
	go();
	MUST(select(fd + 1, NULL, &out, NULL, NULL) == 1);
	say("SO_ERROR %d", so_error(fd));
}

static void wait_by_poll(void)
{
	int fd = pending();

	go();
	say("revents %x, SO_ERROR %d", (unsigned int)await(fd), so_error(fd));
}

static void *thread(void *unused)
{
	pid_t pid = -1;

	if (is_mode("system"))
		say("system: %d", system("exit 3"));
	else if (is_mode("popen"))
		say("popen: %d", pclose(popen("exit 3", "r")));
	else if (is_mode("posix_spawn"))
		MUST(posix_spawn(&pid, "/bin/true", NULL, NULL, child,
				 environ) == 0);
	else if (is_mode("posix_spawnp"))
		MUST(posix_spawnp(&pid, "true", NULL, NULL, child, environ) ==
		     0);
	else if (is_mode("getaddrinfo"))
		look_up();
	else if (is_mode("epoll"))
		wait_by_epoll();
	else if (is_mode("select"))
		wait_by_select();
	else if (is_mode("poll"))
		wait_by_poll();
	else
		in_child(mode);
	if (pid > 0)
		tell_status(mode, pid);
	return unused;
}

static void play_thread(void)
{
	pthread_attr_t attr;
	pthread_t id;

	MUST(pthread_attr_init(&attr) == 0);
	MUST(pthread_attr_setstacksize(&attr, THREADS_BYTES) == 0);
	MUST(pthread_create(&id, &attr, thread, NULL) == 0);
	MUST(pthread_join(id, NULL) == 0);
}

static void enlarge(void)
{
	static char *many[MANY + 1];

	for (int i = 0; i < MANY; i++)
		many[i] = "A=b";
	environ = many;
}

static void play(void)
{
	if (strstr(argument, "large"))
		enlarge();
	if (strstr(argument, "cleared"))
		clearenv();
	if (strstr(argument, "unset"))
		unsetenv("LD_PRELOAD");
	if (strstr(argument, "handler"))
		play_handler();
	else
		play_thread();
}
