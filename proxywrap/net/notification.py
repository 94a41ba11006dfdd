"""System calls of other processes that wait for our answer: seccomp_unotify(2).

The typed face of that part of the cffi module. What is read of another
process may be changed by it at any moment, so each thing is read once.
"""

from __future__ import annotations

import errno
import os
import select
from contextlib import suppress
from enum import IntEnum
from typing import NamedTuple

from proxywrap import _native
from proxywrap.net.native import os_error
from proxywrap.net.rehearsal import Need, rehearse

__all__ = [
    "PROBE",
    "Call",
    "Listener",
    "Notice",
    "install_filter",
    "is_listener",
    "missing_support",
    "process_of",
    "read_memory",
    "take_descriptor",
    "write_memory",
]

_ffi, _lib = _native.ffi, _native.lib

_STATUS_BYTES = 512
"""The thread group is in one of the first lines."""


PROBE = int(_lib.PW_PROBE)
"""In the place of a length: are we under the filter of the helper with this token?"""


class Call(IntEnum):
    """What was called (enum pw_call)."""

    OTHER = 0
    CONNECT = 1
    SENDTO = 2
    SENDMSG = 3
    SENDMMSG = 4
    RECVFROM = 5
    RECVMSG = 6
    RECVMMSG = 7
    SOCKET = 8
    GETSOCKOPT = 9
    SETSOCKOPT = 10
    GETPEERNAME = 11


class Notice(NamedTuple):
    """A system call that waits: `thread` has made it with six `args`, each of 64 bits, unsigned."""

    id: int
    thread: int
    call: Call
    args: tuple[int, ...]


class Listener:
    """The descriptor on which the notifications of one filter arrive, which it owns."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._poll = select.poll()
        self._poll.register(fd, select.POLLIN)
        self._notice = _ffi.new("struct pw_notice *")
        _lib.pw_notify_wake_in_turn(fd)

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._fd

    def close(self) -> None:
        """Close it: whatever waits, and whatever comes, is answered ENOSYS by the kernel."""
        fd, self._fd = self._fd, -1  # the number may be somebody else's then
        os.close(fd)

    def receive(self) -> Notice | None:
        """Return a system call that waits, None where there is none.

        Raises:
            EOFError: no process has the filter any more.

        """
        while True:
            events = self._poll.poll(0)
            if not events:
                return None
            if not events[0][1] & select.POLLIN:
                raise EOFError
            notice = self._notice
            error = _lib.pw_notify_receive(self._fd, notice)
            if error == 0:
                return Notice(notice.id, notice.thread, Call(notice.call), tuple(notice.args))
            if error not in {-errno.ENOENT, -errno.EINTR}:
                raise EOFError

    def answer(self, notice: Notice, value: int = 0) -> None:
        """Have the call return `value`; nothing where nobody waits any more."""
        _lib.pw_notify_answer(self._fd, notice.id, value, 0)

    def fail(self, notice: Notice, error: int) -> None:
        """Have the call fail with the errno `error`, likewise."""
        _lib.pw_notify_answer(self._fd, notice.id, 0, error)

    def go_on(self, notice: Notice) -> None:
        """Have the kernel carry the call out, likewise: the arguments may not be what they were."""
        _lib.pw_notify_go_on(self._fd, notice.id)

    def give(self, notice: Notice, fd: int, flags: int) -> None:
        """Have the call return a duplicate of `fd`, close-on-exec if `flags` say O_CLOEXEC.

        Raises:
            OSError: it waits still: EMFILE, the process may have no more; EINVAL, before Linux 5.14.

        """
        error = -_lib.pw_notify_give(self._fd, notice.id, fd, flags)
        if error not in {0, errno.ENOENT}:
            raise OSError(error, os.strerror(error))

    def is_waited_for(self, notice: Notice) -> bool:
        """Tell whether the call still waits, so that what was read of the process since was its own."""
        return bool(_lib.pw_notify_is_valid(self._fd, notice.id))


def missing_support() -> str | None:
    """Return what is lacking here to supervise a program, None where nothing."""
    forbidden = rehearse(Need.FILTER)
    if forbidden is not None:
        return str(forbidden)
    if _lib.pw_notify_support() < 0:
        return "this kernel has no seccomp user notification (Linux 5.5, CONFIG_SECCOMP_FILTER)"
    return None


def install_filter() -> int:
    """Put the filter over this thread and what it will execute; return its listener's descriptor.

    Raises:
        OSError: EBUSY where another filter has a listener.

    """
    return int(_check(_lib.pw_filter_install()))


def is_listener(fd: int) -> bool:
    """Tell whether a descriptor is the listener of a filter."""
    with suppress(OSError):
        return os.readlink(f"/proc/self/fd/{fd}") == "anon_inode:seccomp notify"
    return False


def take_descriptor(thread: int, fd: int) -> int:
    """Return a duplicate of another process's descriptor, to be closed.

    Raises:
        OSError: EBADF where it has none of that number, EPERM where it may not be looked into.

    """
    taken = _lib.pw_take_descriptor(thread, fd)
    if taken == -errno.EINVAL:  # before Linux 6.9, which takes threads
        taken = _lib.pw_take_descriptor(process_of(thread), fd)
    return int(_check(taken))


def read_memory(thread: int, address: int, size: int) -> bytes:
    """Return `size` bytes of another process's memory, fewer where not all of them are there.

    Raises:
        OSError: ESRCH where it is gone, EPERM where it may not be looked into.

    """
    if size == 0:
        return b""
    out = bytearray(size)
    got = _lib.pw_memory_read(thread, address, _ffi.from_buffer(out), size)
    if got == -errno.EFAULT:
        return b""
    return bytes(out[: _check(got)])


def write_memory(thread: int, address: int, data: bytes) -> None:
    """Write into another process's memory.

    Raises:
        OSError: EFAULT where not all of it could be written.

    """
    if not data:
        return
    put = _lib.pw_memory_write(thread, address, data, len(data))
    if put != len(data):
        raise OSError(errno.EFAULT if put > 0 else -put, "cannot write the program's memory")


def process_of(thread: int) -> int:
    """Return the process that a thread belongs to, the thread itself where it is gone."""
    with suppress(OSError):
        fd = os.open(f"/proc/{thread}/status", os.O_RDONLY | os.O_CLOEXEC)
        try:
            status = os.read(fd, _STATUS_BYTES)
        finally:
            os.close(fd)
        return int(status.partition(b"\nTgid:")[2].split(None, 1)[0])
    return thread


def _check(result: int) -> int:
    if result < 0:
        raise os_error(-result)
    return result
