/* SPDX-License-Identifier: MIT */
/* Every waiting call wakes for the outcome by itself. */
#include <sys/epoll.h>

#include "trace.h"

static int wait_for(int ep, struct epoll_event *events, int n)
{
	struct timespec limit __attribute__((unused)) = { .tv_sec = 20 };
	sigset_t none;

	sigemptyset(&none);
	if (is_mode("pwait"))
		return epoll_pwait(ep, events, n, 20000, &none);
#ifdef __GLIBC__
	if (is_mode("pwait2"))
		return epoll_pwait2(ep, events, n, &limit, NULL);
#endif
	if (is_mode("for-ever"))
		return epoll_wait(ep, events, n, -1);
	return epoll_wait(ep, events, n, 20000);
}

static void play(void)
{
	struct epoll_event event = { .events = EPOLLOUT | EPOLLET,
				     .data.u32 = 7 };
	int fd = pending(), ep = epoll_create1(0), ret;

	TRY(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event));
	go_soon();
	do
		ret = wait_for(ep, &event, 1);
	while (ret < 0 && errno == EINTR);
	say("%d %x %u", ret, event.events, event.data.u32);
	tell_end(fd);
}
