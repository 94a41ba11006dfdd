"""Carries bytes between two connected sockets, for those that cannot be lent.

What one side does the other sees: a half-close, a reset, and that nobody reads.
The bytes stay in the kernel (splice(2)), by way of a pipe that a direction has
only while something is under way.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import socket
from collections.abc import Callable

from proxywrap.net.carrier import Carrier

__all__ = ["Relay"]

_CHUNK_BYTES = 1 << 20
_ROUNDS = 4
"""Chunks moved before others get their turn."""

_SMALL_BYTES = 1 << 14
"""After so little there is hardly more: the event loop will tell."""

_SPARE_PIPES = 16
_LARGE_PIPES = 16
"""Pipes that take a whole chunk: a user may have 64 of them, and has other programs (pipe(7))."""

_NOW = os.SPLICE_F_NONBLOCK | os.SPLICE_F_MOVE


class _Pipe:
    """A pipe, and how many bytes are in it."""

    spare: list[_Pipe] = []  # noqa: RUF012 - shared by all
    large = 0
    """How many there are."""

    def __init__(self) -> None:
        self.read_end, self.write_end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self.held = 0
        self._is_large = _Pipe.large < _LARGE_PIPES and _enlarge(self.write_end)
        _Pipe.large += self._is_large

    @classmethod
    def take(cls) -> _Pipe:
        """Return an empty one."""
        return cls.spare.pop() if cls.spare else cls()

    def give_back(self) -> None:
        """Let others have it, unless there is something in it or there are enough."""
        if self.held or len(self.spare) >= _SPARE_PIPES:
            _Pipe.large -= self._is_large
            os.close(self.read_end)
            os.close(self.write_end)
        else:
            self.spare.append(self)


class Relay(Carrier):
    """Relays from its making until both directions have ended; owns both sockets.

    Args:
        one: connected, non-blocking; the application's end.
        other: likewise.
        on_end: called once, when both are closed.

    """

    def __init__(self, one: socket.socket, other: socket.socket, on_end: Callable[[], None]) -> None:
        super().__init__(one, other, on_end)
        self.there = _Direction(self, one, other)
        self.back = _Direction(self, other, one)
        self.start(self.there, self.back)


class _Direction:
    """What comes from `source` goes to `sink`."""

    def __init__(self, relay: Relay, source: socket.socket, sink: socket.socket) -> None:
        self.has_ended = False
        self._relay = relay
        self._sink = sink
        # The loop gets numbers: for a socket it makes up an error message each time.
        self._source_fd = source.fileno()
        self._sink_fd = sink.fileno()
        self._pipe: _Pipe | None = None
        self._loop = asyncio.get_running_loop()

    def start(self) -> None:
        """Wait for something to come."""
        self._loop.add_reader(self._source_fd, self._move)

    def stop(self) -> None:
        """Be called no more."""
        self._loop.remove_reader(self._source_fd)
        self._loop.remove_writer(self._sink_fd)
        self._release()
        self.has_ended = True

    def _move(self) -> None:
        try:
            for _ in range(_ROUNDS):
                if not self._fill():
                    return
                is_all = self._pipe is not None and self._pipe.held < _SMALL_BYTES
                if not self._drain():
                    self._loop.remove_reader(self._source_fd)
                    self._loop.add_writer(self._sink_fd, self._go_on)
                    self._relay.note_stall(self, self._source_fd)
                    return
                if is_all:
                    break
            self._release()
        except OSError:
            self._relay.abort()

    def _fill(self) -> bool:
        """Take what has come; return whether there was anything."""
        pipe = self._pipe = self._pipe or _Pipe.take()
        try:
            pipe.held = os.splice(self._source_fd, pipe.write_end, _CHUNK_BYTES, flags=_NOW)
        except BlockingIOError:
            self._release()
            return False
        if pipe.held:
            return True
        self._loop.remove_reader(self._source_fd)
        self._release()
        self._sink.shutdown(socket.SHUT_WR)
        self.has_ended = True
        self._relay.note_end(self._source_fd)
        return False

    def _drain(self) -> bool:
        """Pass on what is in the pipe; return whether all of it went."""
        pipe = self._pipe
        while pipe is not None and pipe.held:
            try:
                pipe.held -= os.splice(pipe.read_end, self._sink_fd, pipe.held, flags=_NOW)
            except BlockingIOError:
                return False
        return True

    def _go_on(self) -> None:
        try:
            if not self._drain():
                return
        except OSError:
            self._relay.abort()
            return
        self._loop.remove_writer(self._sink_fd)
        self._loop.add_reader(self._source_fd, self._move)
        self._release()

    def _release(self) -> None:
        if self._pipe is not None:
            self._pipe.give_back()
            self._pipe = None


def _enlarge(pipe: int) -> bool:
    """Have a pipe take a whole chunk; return whether it does."""
    try:
        return fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _CHUNK_BYTES) >= _CHUNK_BYTES
    except PermissionError:  # the user has too many
        return False
