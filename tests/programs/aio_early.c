/* SPDX-License-Identifier: MIT */
/* Asynchronous I/O on a pending socket is over at once, and moves nothing.
 * musl's sets errno when it succeeds. */
#include <aio.h>

#include "trace.h"

static char out[] = "early", in[8];
static volatile sig_atomic_t told;

static void note(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	told = info->si_code == SI_ASYNCIO ? info->si_value.sival_int : -1;
}

static struct aiocb operation(int fd, int opcode)
{
	struct aiocb cb = { .aio_fildes = fd, .aio_lio_opcode = opcode };

	cb.aio_buf = opcode == LIO_WRITE ? out : in;
	cb.aio_nbytes = 5;
	cb.aio_sigevent.sigev_notify = SIGEV_NONE;
	return cb;
}

static void finish(struct aiocb *cb)
{
	const struct aiocb *one[] = { cb };
	struct timespec limit = { .tv_sec = 20 };

	while (aio_error(cb) == EINPROGRESS)
		MUST(aio_suspend(one, 1, &limit) == 0 || errno == EINTR);
	say("error %s", strerror(aio_error(cb)));
	TRY(aio_return(cb));
}

static void single(int fd)
{
	struct aiocb cb = operation(fd, LIO_WRITE);

	say("aio_write(&cb) = %d", aio_write(&cb));
	finish(&cb);
	cb = operation(fd, LIO_READ);
	say("aio_read(&cb) = %d", aio_read(&cb));
	finish(&cb);
	cb.aio_nbytes = 0;
	say("aio_read(&cb) = %d", aio_read(&cb));
	finish(&cb);
	cb = operation(fd, LIO_WRITE);
	cb.aio_sigevent = (struct sigevent){ .sigev_notify = SIGEV_SIGNAL,
					     .sigev_signo = SIGUSR1,
					     .sigev_value.sival_int = 7 };
	say("aio_write(&cb) = %d", aio_write(&cb));
	finish(&cb);
	for (int i = 0; i < 2000 && !told; i++)
		usleep(10000);
	say("told %d", (int)told);
	told = 0;
	TRY(aio_cancel(fd, &cb));
}

static void list_told(const char *how, int ret)
{
	say("lio_listio(%s) = %d %s", how, ret, ret < 0 ? strerror(errno) : "");
}

static void lists(int fd, int pipe_end)
{
	struct aiocb write_op = operation(fd, LIO_WRITE),
		     read_op = operation(fd, LIO_READ),
		     other = operation(pipe_end, LIO_WRITE);
	struct aiocb *list[] = { &write_op, NULL, &read_op, &other };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL,
				  .sigev_signo = SIGUSR1,
				  .sigev_value.sival_int = 9 };

	list_told("LIO_WAIT, list, 3, NULL",
		  lio_listio(LIO_WAIT, list, 3, NULL));
	finish(&write_op);
	finish(&read_op);
	list_told("LIO_WAIT, list, 4, NULL",
		  lio_listio(LIO_WAIT, list, 4, NULL));
	finish(&other);
	list_told("LIO_NOWAIT, list, 4, &event",
		  lio_listio(LIO_NOWAIT, list, 4, &event));
	finish(&write_op);
	finish(&read_op);
	finish(&other);
	for (int i = 0; i < 2000 && !told; i++)
		usleep(10000);
	say("told %d", (int)told);
	list_told("77, list, 3, NULL", lio_listio(77, list, 3, NULL));
}

static void play(void)
{
	struct sigaction action = { .sa_sigaction = note,
				    .sa_flags = SA_SIGINFO | SA_RESTART };
	int fd = pending(), pipes[2];
	char byte = 'q';

	MUST(sigaction(SIGUSR1, &action, NULL) == 0 && pipe(pipes) == 0);
	signal(SIGPIPE, SIG_IGN);
	single(fd);
	lists(fd, pipes[1]);
	go();
	TRY(await(fd));
	if (!peer_is_dest(fd)) {
		single(fd);
		return;
	}
	/* Nothing but this comes back: what was early went nowhere. */
	MUST(fcntl(fd, F_SETFL, 0) == 0);
	TRY(send(fd, &byte, 1, 0));
	TRY(shutdown(fd, SHUT_WR));
	TRY(recv(fd, in, sizeof(in), MSG_WAITALL));
	say("%c", in[0]);
}
