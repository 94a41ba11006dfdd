/* SPDX-License-Identifier: MIT */
/*
 * One point of the matrix of pending connects.
 *
 * usage: matrix HOST PORT CONNECT WAY WHEN END COMPANY
 *
 * CONNECT: blocking (in a thread of its own) or non-blocking
 * WAY:     poll, select, level, edge, oneshot, nested, or one (maxevents is 1)
 * WHEN:    the registration is made before connect, before it and waited for
 *          in vain (fired), after it, or modified meanwhile
 * END:     succeeds, fails, or is closed while pending
 * COMPANY: another thread, a fork child or a vfork child waits as well
 */
#include <sys/epoll.h>
#include <sys/select.h>

#include "threads.h"

enum {
	OURS = 1,
	OTHERS = 3,
	PIPES = 7,
	BELL = 11,
	ALL = EPOLLIN | EPOLLOUT | EPOLLRDHUP,
	LATE_MS = 20000
};

static const char *way, *when, *end, *company;
static bool is_blocking, is_racy;
static int fd, set = -1, inner = -1, other = -1, pipes[2];
static int dialled, dial_error;
static _Atomic int dialler_tid, waiter_tid;

static bool is(const char *word, const char *value)
{
	return strcmp(word, value) == 0;
}

static bool by_epoll(void)
{
	return set >= 0;
}

/* ---
 * Registrations
 */

static void control(int op, uint32_t events, uint64_t data)
{
	struct epoll_event event = { .events = events, .data.u64 = data };

	if (is(way, "edge"))
		event.events |= EPOLLET;
	if (is(way, "oneshot"))
		event.events |= EPOLLONESHOT;
	if (by_epoll())
		TRY(epoll_ctl(inner >= 0 ? inner : set, op, fd, &event));
}

static void put(int into, int what, uint32_t events, uint64_t data)
{
	struct epoll_event event = { .events = events, .data.u64 = data };

	MUST(epoll_ctl(into, EPOLL_CTL_ADD, what, &event) == 0);
}

static void make_sets(void)
{
	if (is(way, "poll") || is(way, "select"))
		return;
	MUST((set = epoll_create1(0)) >= 0);
	if (is(way, "nested")) {
		MUST((inner = epoll_create1(0)) >= 0);
		put(set, inner, EPOLLIN, 5);
	}
	if (is(way, "one")) {
		MUST(pipe(pipes) == 0 && write(pipes[1], "x", 1) == 1);
		put(set, pipes[0], EPOLLIN, PIPES);
		put(set, other = pending(), ALL, OTHERS);
	}
}

/* ---
 * Waits
 */

/*
 * A connect() that fails in another thread takes the socket's error at some
 * moment: then all that is certain is that the other side is gone.
 */
static unsigned int certain(unsigned int events)
{
	return is_racy ? events & EPOLLHUP : events;
}

static void look_poll(const char *who, int ms)
{
	struct pollfd one = { .fd = fd,
			      .events = POLLIN | POLLOUT | POLLRDHUP };
	int n = poll(&one, 1, ms);

	say("%s: %d %x", who, n, certain((unsigned int)one.revents));
}

static void look_select(const char *who, int ms)
{
	struct timeval limit = { ms / 1000, ms % 1000 * 1000 };
	fd_set in, out, except;
	int n;

	FD_ZERO(&in);
	FD_SET(fd, &in);
	out = except = in;
	n = select(fd + 1, &in, &out, &except, &limit);
	if (n < 0)
		say("%s: %s", who, strerror(errno));
	else if (is_racy)
		say("%s: %d", who, n > 0);
	else
		say("%s: %d %d%d%d", who, n, !!FD_ISSET(fd, &in),
		    !!FD_ISSET(fd, &out), !!FD_ISSET(fd, &except));
}

/* One at a time, each taken out of the set when it was seen; in any order. */
static void look_one(const char *who, int ms, int times)
{
	uint64_t data = 0;
	uint32_t events = 0;
	int found = 0;

	for (int i = 0; i < times; i++) {
		struct epoll_event event;

		if (epoll_wait(set, &event, 1, ms) != 1)
			break;
		found++;
		data += event.data.u64;
		events |= certain(event.events);
		if (event.data.u64 != PIPES)
			MUST(epoll_ctl(set, EPOLL_CTL_DEL,
				       event.data.u64 == OURS ? fd : other,
				       NULL) == 0);
	}
	say("%s: %d %x %lu", who, found, events, (unsigned long)data);
}

static void look_set(const char *who, int where, int ms)
{
	struct epoll_event events[4] = { 0 };
	int n = epoll_wait(where, events, is(way, "one") ? 1 : 4, ms);
	bool is_outer = where != inner && inner >= 0;

	say("%s: %d %x %lu", who, n,
	    is_outer ? events[0].events : certain(events[0].events),
	    is(way, "one") ? 0 : (unsigned long)events[0].data.u64);
	if (is_outer)
		look_set(who, inner, 0);
}

static void look(const char *who, int ms)
{
	if (is(way, "poll"))
		look_poll(who, ms);
	else if (is(way, "select"))
		look_select(who, ms);
	else
		look_set(who, set, ms);
}

static void look_for_the_end(const char *who, int ms)
{
	if (is(way, "one") && !is(end, "closed"))
		look_one(who, ms, 2);
	else
		look(who, ms);
}

/* ---
 * Threads
 */

static void *dial(void *unused)
{
	dialler_tid = gettid();
	errno = UNTOUCHED;
	dialled = connect(fd, DEST);
	dial_error = errno;
	return unused;
}

static void *wait_too(void *unused)
{
	waiter_tid = gettid();
	look_for_the_end("thread", LATE_MS);
	return unused;
}

/* ---
 * Children
 */

static void vfork_child(void)
{
	char *const argv[] = { "true", NULL };

	struct pollfd both[] = { { .fd = fd, .events = POLLOUT },
				 { .fd = 1, .events = POLLOUT } };

	look("child", 0);
	TRY(poll(both, 2, 0));
	close(fd);
	if (by_epoll())
		close(set);
	dup2(1, fd);
	close(fd);
	syscall(SYS_close_range, 3, ~0U, 0);
	execve("/bin/true", argv, environ);
	_exit(1);
}

static void fork_child(int ready)
{
	/* A shared set forgets what the other process has closed. */
	if (by_epoll() && is(end, "closed")) {
		MUST((set = epoll_create1(0)) >= 0);
		inner = -1;
		put(set, fd, ALL, OURS);
	}
	look("child", 0);
	MUST(write(ready, "x", 1) == 1);
	look("child", LATE_MS);
	_exit(0);
}

static pid_t start_child(void)
{
	int ready[2], status;
	pid_t pid;
	char byte;

	if (is(company, "vfork")) {
		pid = vfork();
		if (pid == 0)
			vfork_child();
		MUST(waitpid(pid, &status, 0) == pid && status == 0);
		return 0;
	}
	MUST(pipe(ready) == 0);
	pid = fork();
	if (pid == 0)
		fork_child(ready[1]);
	MUST(pid > 0 && read(ready[0], &byte, 1) == 1);
	return pid;
}

/* ---
 * The play
 */

static void prepare(void)
{
	fd = tcp(is_blocking ? 0 : SOCK_NONBLOCK);
	make_sets();
	if (is(when, "before") || is(when, "fired"))
		control(EPOLL_CTL_ADD, ALL, OURS);
	if (is(when, "fired"))
		look("fresh", 0);
	if (is(when, "modified"))
		control(EPOLL_CTL_ADD, EPOLLIN, 9);
}

static void begin(pthread_t *dialler)
{
	if (!is_blocking) {
		TRY(connect(fd, DEST));
		return;
	}
	MUST(pthread_create(dialler, NULL, dial, NULL) == 0);
	until_it_connects(&dialler_tid, fd);
}

static void change(void)
{
	if (is(when, "after"))
		control(EPOLL_CTL_ADD, ALL, OURS);
	if (is(when, "modified") || (is(when, "fired") && is(way, "oneshot")))
		control(EPOLL_CTL_MOD, ALL, OURS);
}

static void look_pending(void)
{
	for (int i = 0; i < 3; i++)
		look("pending", 0);
	if (is(way, "one"))
		TRY(epoll_ctl(set, EPOLL_CTL_DEL, pipes[0], NULL));
}

static void look_back(void)
{
	bool is_seen = !is(company, "vfork");

	if (other >= 0 && is(end, "closed"))
		await(other);
	if (is_racy && is_seen)
		return;
	if (!is_seen)
		look_for_the_end("end", is(end, "closed") ? 20 : LATE_MS);
	else if (is(way, "one") && is(company, "fork"))
		look_for_the_end("parent", LATE_MS);
	look("again", 0);
	look("again", 0);
	if (is(way, "oneshot") && !is(end, "closed")) {
		control(EPOLL_CTL_MOD, ALL, OURS);
		look("armed", 0);
	}
}

/* What poll() and select() do in another thread then: the thread comes later.
 */
static bool is_unspecified(void)
{
	return is(end, "closed") && !by_epoll();
}

/* A close wakes nobody: the thread that waits has to be called. */
static void close_it(pthread_t waiter)
{
	int ret, bell[2];

	ret = close(fd);
	if (is(company, "thread") && is_unspecified())
		MUST(pthread_create(&waiter, NULL, wait_too, NULL) == 0);
	if (is(company, "thread") && !is_unspecified()) {
		MUST(pipe(bell) == 0 && write(bell[1], "x", 1) == 1);
		put(set, bell[0], EPOLLIN, BELL);
	}
	if (is(company, "thread"))
		MUST(pthread_join(waiter, NULL) == 0);
	if (is(company, "thread") && !is_unspecified())
		MUST(epoll_ctl(set, EPOLL_CTL_DEL, bell[0], NULL) == 0);
	say("close: %d", ret);
}

static void play(void)
{
	pthread_t dialler, waiter = 0;
	pid_t child = 0;
	int status;

	is_blocking = is_mode("blocking");
	way = arguments[4];
	when = arguments[5];
	end = arguments[6];
	company = arguments[7];
	is_racy = is_blocking && is(end, "fails") && !is(company, "vfork");
	prepare();
	begin(&dialler);
	look_pending();
	if (is(company, "thread") && !is_unspecified()) {
		MUST(pthread_create(&waiter, NULL, wait_too, NULL) == 0);
		until_it_waits(&waiter_tid);
	}
	change();
	if (!is(company, "thread"))
		child = start_child();
	if (is(end, "closed"))
		close_it(waiter);
	go();
	if (is(company, "thread") && !is(end, "closed"))
		MUST(pthread_join(waiter, NULL) == 0);
	if (child)
		MUST(waitpid(child, &status, 0) == child && status == 0);
	if (is_blocking)
		MUST(pthread_join(dialler, NULL) == 0);
	/* Whether a wait is over before its socket is closed is unspecified. */
	if (is_blocking && !is(end, "closed"))
		traced("connect", dialled, dial_error);
	look_back();
	if (!is(end, "closed"))
		tell_end(fd);
}
