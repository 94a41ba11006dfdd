/* SPDX-License-Identifier: MIT */
// sources: csrc/preload/fdinfo.c
#include "preload/epollset.h"

#include "tap.h"

#include <fcntl.h>
#include <unistd.h>

static void test_events_and_data(void)
{
	static const uint32_t masks[] = {
		0,
		EPOLLIN,
		EPOLLIN | EPOLLOUT,
		EPOLLET,
		EPOLLONESHOT | EPOLLRDHUP,
		EPOLLIN | EPOLLET | EPOLLWAKEUP,
	};
	static const uint64_t data[] = {
		0, 1, 0x19, 0xdeadbeef, 0x123456789abcdef0, ~0ULL, 1ULL << 63
	};
	int ep = epoll_create1(0), pipes[2];
	struct epoll_event out;

	is(pipe(pipes), 0, "a pipe");
	is(pw_fdinfo_find(ep, pipes[0], &out), 0, "not in an empty set");
	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		for (size_t k = 0; k < sizeof(data) / sizeof(data[0]); k++) {
			struct epoll_event event = { .events = masks[i],
						     .data.u64 = data[k] };

			epoll_ctl(ep, EPOLL_CTL_ADD, pipes[0], &event);
			is(pw_fdinfo_find(ep, pipes[0], &out), 1, "found");
			/* The kernel adds these, and drops what needs a
			 * privilege. */
			is(out.events & ~(EPOLLERR | EPOLLHUP | EPOLLWAKEUP),
			   masks[i] & ~EPOLLWAKEUP, "its events %#x", masks[i]);
			ok(out.data.u64 == data[k], "its data");
			is(pw_fdinfo_find(ep, pipes[1], &out), 0,
			   "not another");
			epoll_ctl(ep, EPOLL_CTL_DEL, pipes[0], NULL);
		}
	}
	is(pw_fdinfo_find(ep, pipes[0], &out), 0, "not after it was deleted");
}

static void test_one_shot(void)
{
	struct epoll_event event = { .events = EPOLLOUT | EPOLLONESHOT,
				     .data.u64 = 5 },
			   out;
	int ep = epoll_create1(0), pipes[2];

	is(pipe(pipes), 0, "a pipe");
	epoll_ctl(ep, EPOLL_CTL_ADD, pipes[1], &event);
	is(epoll_wait(ep, &event, 1, 0), 1, "it fires");
	is(pw_fdinfo_find(ep, pipes[1], &out), 1,
	   "a one-shot that has fired is found");
	is(out.events, EPOLLONESHOT, "with nothing but its kind");
}

/* More lines than one read() gives, and numbers that begin with each other. */
static void test_many(void)
{
	enum {
		MANY = 300
	};
	int ep = epoll_create1(0), fds[MANY], wrong = 0;
	struct epoll_event out;

	for (unsigned int i = 0; i < MANY; i++) {
		struct epoll_event event = { .events = EPOLLIN,
					     .data.u64 = i * 0x100000001ULL };
		int pipes[2];

		wrong += pipe(pipes) != 0;
		fds[i] = pipes[0];
		epoll_ctl(ep, EPOLL_CTL_ADD, fds[i], &event);
	}
	for (unsigned int i = 0; i < MANY; i++) {
		wrong += pw_fdinfo_find(ep, fds[i], &out) != 1 ||
			 out.data.u64 != i * 0x100000001ULL;
		wrong += pw_fdinfo_find(ep, fds[i] + 1, &out) != 0;
	}
	is(wrong, 0, "%d registrations, each found, none confused", MANY);
}

static void test_no_set(void)
{
	struct epoll_event out;
	int pipes[2];

	is(pipe(pipes), 0, "a pipe");
	is(pw_fdinfo_find(pipes[0], pipes[1], &out), 0, "a pipe is no set");
	ok(pw_fdinfo_find(60000, 1, &out) < 0, "nor is a closed descriptor");
	ok(pw_fdinfo_find(-1, 1, &out) < 0, "nor none");
	errno = 77;
	pw_fdinfo_find(60000, 1, &out);
	is(errno, 77, "errno is left alone");
}

int main(void)
{
	test_events_and_data();
	test_one_shot();
	test_many();
	test_no_set();
	return tap_end();
}
