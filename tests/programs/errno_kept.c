/* SPDX-License-Identifier: MIT */
/* A hook that succeeds leaves errno alone, with a pending socket around. */
#include <sys/epoll.h>
#include <sys/select.h>

#include "trace.h"

static void all(int pipe_in, int pipe_out)
{
	struct epoll_event event = { .events = EPOLLIN };
	struct pollfd one = { .fd = pipe_out, .events = POLLOUT };
	struct iovec iov = { .iov_base = &event, .iov_len = 1 };
	struct timeval zero = { 0 };
	int fd, ep, n;
	fd_set out;

	FD_ZERO(&out);
	FD_SET(pipe_out, &out);
	TRY((fd = socket(AF_INET, SOCK_STREAM, 0)) < 0);
	TRY((ep = epoll_create1(0)) < 0);
	TRY((n = dup(fd)) < 0);
	TRY(dup2(fd, n) == n);
	TRY(dup3(fd, n, 0) == n);
	TRY(fcntl(fd, F_SETFL, O_NONBLOCK));
	TRY(close(n));
	TRY(epoll_ctl(ep, EPOLL_CTL_ADD, pipe_in, &event));
	TRY(epoll_wait(ep, &event, 1, 1));
	TRY(poll(&one, 1, 1));
	TRY(ppoll(&one, 1, NULL, NULL));
	TRY(select(pipe_out + 1, NULL, &out, NULL, &zero));
	TRY(write(pipe_out, "abcd", 4));
	TRY(read(pipe_in, &event, 1));
	TRY(readv(pipe_in, &iov, 1));
	TRY(writev(pipe_out, &iov, 1));
	TRY(so_error(fd));
	TRY(close(ep));
	TRY(close(fd));
}

static void play(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	int pipes[2], fd = tcp(0), waiting,
		      udp = socket(AF_INET, SOCK_DGRAM, 0);

	MUST(pipe(pipes) == 0);
	signal(SIGPIPE, SIG_IGN);
	any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	any.sin_port = htons(9);
	all(pipes[0], pipes[1]);
	waiting = pending();
	all(pipes[0], pipes[1]);
	TRY(connect(udp, (struct sockaddr *)&any, sizeof(any)));
	go();
	TRY(connect(fd, DEST));
	TRY(peer_is_dest(fd));
	TRY(send(fd, "x", 1, 0));
	if (peer_is_dest(fd))
		TRY(recv(fd, &any, 1, 0));
	TRY(await(waiting));
	TRY(so_error(waiting));
	TRY(connect(waiting, DEST));
	TRY(shutdown(fd, SHUT_RDWR));
	all(pipes[0], pipes[1]);
}
