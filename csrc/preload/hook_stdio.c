/* SPDX-License-Identifier: MIT */
/*
 * stdio on a socket: inside libc it reads and writes past every hook, so a
 * stream begins when the socket is connected.
 */
#include "gate.h"
#include "libc.h"

FILE *hook_fdopen(int fd, const char *mode)
{
	if (pw_is_busy())
		pw_await(fd);
	return pw_libc.fdopen(fd, mode);
}

int hook_vdprintf(int fd, const char *format, va_list args)
{
	PW_GATE_OUT(fd, 0, PW_GO_ON);
	return pw_libc.vdprintf(fd, format, args);
}

int hook_dprintf(int fd, const char *format, ...)
{
	va_list args;
	int ret;

	va_start(args, format);
	ret = hook_vdprintf(fd, format, args);
	va_end(args);
	return ret;
}

int hook___vdprintf_chk(int fd, int flag, const char *format, va_list args)
{
	PW_GATE_OUT(fd, 0, PW_GO_ON);
	return pw_libc.__vdprintf_chk(fd, flag, format, args);
}

int hook___dprintf_chk(int fd, int flag, const char *format, ...)
{
	va_list args;
	int ret;

	va_start(args, format);
	ret = hook___vdprintf_chk(fd, flag, format, args);
	va_end(args);
	return ret;
}
