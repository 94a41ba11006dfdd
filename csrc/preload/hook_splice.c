/* SPDX-License-Identifier: MIT */
/*
 * sendfile and splice: bytes that the kernel moves by itself. They are not
 * seen, so none goes to the bus: as with a file that cannot take them so,
 * programs write instead.
 */
#include "bus.h"
#include "gate.h"
#include "libc.h"

PW_APART static ssize_t sendfile_seen(ssize_t (*original)(int, int, off_t *,
							  size_t),
				      int out, int in, off_t *offset, size_t n)
{
	PW_GATE_OUT(out, 0, n ? PW_GO_ON : 0);
	PW_GATE_BUS(out, -EINVAL);
	return original(out, in, offset, n);
}

ssize_t hook_sendfile(int out, int in, off_t *offset, size_t n)
{
	if (pw_is_looked_at())
		return sendfile_seen(pw_libc.sendfile, out, in, offset, n);
	return pw_libc.sendfile(out, in, offset, n);
}

ssize_t hook_sendfile64(int out, int in, off_t *offset, size_t n)
{
	if (pw_is_looked_at())
		return sendfile_seen(pw_libc.sendfile64, out, in, offset, n);
	return pw_libc.sendfile64(out, in, offset, n);
}

PW_APART static ssize_t splice_seen(int in, off_t *off_in, int out,
				    off_t *off_out, size_t n,
				    unsigned int flags)
{
	PW_GATE_IN(in, 0, n ? PW_GO_ON : 0);
	PW_GATE_OUT(out, 0, n ? PW_GO_ON : 0);
	PW_GATE_BUS(out, -EINVAL);
	return pw_libc.splice(in, off_in, out, off_out, n, flags);
}

ssize_t hook_splice(int in, off_t *off_in, int out, off_t *off_out, size_t n,
		    unsigned int flags)
{
	if (pw_is_looked_at())
		return splice_seen(in, off_in, out, off_out, n, flags);
	return pw_libc.splice(in, off_in, out, off_out, n, flags);
}
