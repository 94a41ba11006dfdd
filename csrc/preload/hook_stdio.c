/* SPDX-License-Identifier: MIT */
/*
 * stdio on a socket: inside libc it reads and writes past every hook, so a
 * stream begins when the socket is connected, and none writes to the bus.
 */
#include "bus.h"
#include "gate.h"
#include "libc.h"

/* libc has the error for a mode that begins with nothing known. */
static bool is_for_writing(const char *mode)
{
	return *mode != 'r' || strchr(mode, '+');
}

FILE *hook_fdopen(int fd, const char *mode)
{
	if (pw_is_busy())
		pw_await(fd);
	if (pw_on_bus(fd) && is_for_writing(mode) && pw_bus_refuse(fd) < 0) {
		errno = EACCES;
		return NULL;
	}
	return pw_libc.fdopen(fd, mode);
}

int hook_vdprintf(int fd, const char *format, va_list args)
{
	PW_GATE_OUT(fd, 0, PW_GO_ON);
	PW_GATE_BUS(fd, pw_bus_refuse(fd));
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
	PW_GATE_BUS(fd, pw_bus_refuse(fd));
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
