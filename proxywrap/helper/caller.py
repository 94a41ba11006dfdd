"""One system call of a filtered program: its arguments, its memory, its answer.

Each thing is read of the other process once, and what was read counts only
while the call still waits: a thread that is gone may have left its number to
another.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from proxywrap.helper.closer import Closer
from proxywrap.net.native import os_error
from proxywrap.net.notification import (
    Listener,
    Notice,
    process_of,
    read_memory,
    take_descriptor,
    write_memory,
)
from proxywrap.protocol.sockaddr import MAX_SOCKADDR_BYTES

__all__ = ["MAX_BYTES", "Caller", "Gone"]

MAX_BYTES = 0x7FFFF000
"""MAX_RW_COUNT, linux/fs.h: the kernel carries out no more in one call."""

_INT = struct.Struct("=i")


class Gone(Exception):
    """Nobody waits for the call any more."""


class Caller:
    """The thread that called, until it is answered; what it leaves to us alone `closer` closes."""

    def __init__(self, listener: Listener, notice: Notice, closer: Closer) -> None:
        self._listener = listener
        self._closer = closer
        self._notice = notice
        self.thread = notice.thread
        self.call = notice.call
        self._process: int | None = None
        self._held_back: list[Callable[[], None]] | None = None

    @property
    def process(self) -> int:
        """The process of the thread, or the thread where that cannot be told."""
        if self._process is None:
            self._process = process_of(self.thread)
        return self._process

    # -- arguments -------------------------------------------------------------

    def pointer(self, at: int) -> int:
        """Return an argument of 64 bits, unsigned."""
        return self._notice.args[at]

    def integer(self, at: int) -> int:
        """Return an argument that is an int."""
        value = self._notice.args[at] & 0xFFFFFFFF
        return value - (value >> 31 << 32)

    # -- the other process -------------------------------------------------------

    def read(self, address: int, size: int) -> bytes:
        """Return a copy of its memory.

        Raises:
            OSError: EFAULT.
            Gone: nobody waits any more.

        """
        data = self.read_some(address, size)
        if len(data) < size:
            raise os_error(errno.EFAULT)
        return data

    def read_some(self, address: int, size: int) -> bytes:
        """Return what is there of that memory, up to where nothing is; raises Gone."""
        try:
            return read_memory(self.thread, address, size)
        finally:
            self.check()

    def write(self, address: int, data: bytes) -> None:
        """Write to its memory; raises as `read`."""
        self.check()
        write_memory(self.thread, address, data)

    def read_int(self, address: int) -> int:
        """Return an int of its memory; raises as `read`."""
        return int(_INT.unpack(self.read(address, _INT.size))[0])

    def read_sockaddr(self, address: int, size: int) -> bytes:
        """Return an address as the kernel copies one.

        Raises:
            OSError: EINVAL for an impossible size, EFAULT.
            Gone: nobody waits any more.

        """
        if not 0 <= size <= MAX_SOCKADDR_BYTES:
            raise os_error(errno.EINVAL)
        return self.read(address, size)

    def write_sockaddr(self, address: int, length_at: int, sockaddr: bytes) -> None:
        """Give an address as the kernel does: cut to the room there is, the length whole.

        Raises:
            OSError: EINVAL for a negative room, EFAULT.
            Gone: nobody waits any more.

        """
        room = self.read_int(length_at)
        if room < 0:
            raise os_error(errno.EINVAL)
        self.write(address, sockaddr[:room])
        self.write(length_at, _INT.pack(len(sockaddr)))

    def check_buffer(self, address: int, size: int) -> None:
        """Raise EFAULT for what can be no memory of a program, as the kernel does before all else."""
        if address >> 63 or address + min(size, MAX_BYTES) >> 63:
            raise os_error(errno.EFAULT)

    def take(self, fd: int) -> int:
        """Return a duplicate of the program's descriptor, to be closed soon.

        Raises:
            OSError: EBADF; EACCES where we may not look into the program.
            Gone: nobody waits any more.

        """
        try:
            taken = take_descriptor(self.thread, fd)
        except OSError as exc:
            self.check()
            if exc.errno in {errno.EBADF, errno.EMFILE, errno.ENFILE}:
                raise
            raise OSError(errno.EACCES, "the program may not be looked into") from exc
        try:
            self.check()
        except BaseException:
            self._closer.close(taken)
            raise
        return taken

    def close(self, taken: int) -> None:
        """Close what was taken, of whatever kind: the program may be gone, or never answer."""
        self._closer.close(taken)

    def close_socket(self, sock: socket.socket) -> None:
        """Close a socket of the program's, if it is open still."""
        self._closer.close_socket(sock)

    # -- the answer --------------------------------------------------------------

    def check(self) -> None:
        """Raise Gone where nobody waits any more."""
        if not self.is_waiting():
            raise Gone

    def is_waiting(self) -> bool:
        """Tell whether the call still waits."""
        return self._listener.is_waited_for(self._notice)

    @contextmanager
    def held_back(self) -> Iterator[None]:
        """Give the answer at the end of the block, in which our copy of the socket is closed.

        The program may close its own as soon as it is answered, and bind the same port again.
        """
        self._held_back = []
        try:
            yield
        finally:
            answers, self._held_back = self._held_back, None
            for give in answers:
                give()

    def answer(self, value: int = 0) -> None:
        """Have the call return `value`."""
        self._give(partial(self._listener.answer, self._notice, value))

    def fail(self, error: int) -> None:
        """Have it fail with an errno."""
        self._give(partial(self._listener.fail, self._notice, error))

    def give(self, sock: socket.socket, flags: int) -> None:
        """Have it return a duplicate of a socket of ours, as `Listener.give` does.

        Raises:
            OSError: it waits still.

        """
        self._listener.give(self._notice, sock.fileno(), flags)

    def go_on(self) -> None:
        """Have the kernel carry it out, with whatever its arguments point to by then."""
        self._give(partial(self._listener.go_on, self._notice))

    def _give(self, answer: Callable[[], None]) -> None:
        if self._held_back is None:
            answer()
        else:
            self._held_back.append(answer)
