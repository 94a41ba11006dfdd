/* SPDX-License-Identifier: MIT */
/* Asynchronous I/O that would wait for a connection does not begin. */
#include <aio.h>
#include <sys/syscall.h>

#include "trace.h"

/* linux/aio_abi.h, which musl's compiler does not find */
struct control_block {
	uint64_t data;
	uint32_t key, flags;
	uint16_t opcode;
	int16_t priority;
	uint32_t fd;
	uint64_t buf, bytes;
	int64_t offset;
	uint64_t reserved;
	uint32_t more_flags, result_fd;
};

enum {
	PWRITE = 1 /* IOCB_CMD_PWRITE */
};

static char out[] = "early", in[8];

static struct aiocb operation(int fd, int opcode)
{
	struct aiocb cb = { .aio_fildes = fd, .aio_lio_opcode = opcode };

	cb.aio_buf = opcode == LIO_WRITE ? out : in;
	cb.aio_nbytes = 5;
	cb.aio_sigevent.sigev_notify = SIGEV_NONE;
	return cb;
}

static void by_number(int fd, int other)
{
	unsigned long context = 0;
	struct control_block blocks[2] = {
		{ .opcode = PWRITE,
		  .fd = (uint32_t)other,
		  .buf = (uintptr_t)out,
		  .bytes = 5 },
		{ .opcode = PWRITE,
		  .fd = (uint32_t)fd,
		  .buf = (uintptr_t)out,
		  .bytes = 5 },
	};
	struct control_block *list[2] = { &blocks[0], &blocks[1] };

	MUST(syscall(SYS_io_setup, 8, &context) == 0);
	TRY(syscall(SYS_io_submit, context, 2, list));
	TRY(syscall(SYS_io_submit, context, 1, list));
	TRY(syscall(SYS_io_submit, context, 1, (void *)8));
	MUST(syscall(SYS_io_destroy, context) == 0);
}

static void play(void)
{
	int fd = pending(), pipes[2];
	struct aiocb to = operation(fd, LIO_WRITE),
		     from = operation(fd, LIO_READ), other;
	struct aiocb *list[] = { &other, &from };
	char byte = 'q';

	MUST(pipe(pipes) == 0);
	other = operation(pipes[1], LIO_WRITE);
	by_number(fd, pipes[1]);
	MUST(fcntl(fd, F_SETFL, 0) == 0);
	TRY(aio_write(&to));
	TRY(aio_read(&from));
	TRY(lio_listio(LIO_WAIT, list, 2, NULL));
	TRY(lio_listio(LIO_NOWAIT, list, 2, NULL));
	MUST(fcntl(pipes[0], F_SETFL, O_NONBLOCK) == 0);
	TRY(read(pipes[0], in, sizeof(in)));
	TRY(read(pipes[0], in, sizeof(in)));
	go();
	TRY(await(fd));
	TRY(send(fd, &byte, 1, 0));
	TRY(shutdown(fd, SHUT_WR));
	TRY(recv(fd, in, sizeof(in), MSG_WAITALL));
	say("%c", in[0]);
}
