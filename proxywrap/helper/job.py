"""A send or receive under way: one system call with its messages, carried out step by step."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import socket
import struct
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from proxywrap.helper.caller import Caller
from proxywrap.helper.messages import ENTRY_BYTES, Message
from proxywrap.net.native import signal_thread
from proxywrap.net.notification import Call

__all__ = ["Job", "Pause"]

TURN_S = 0.002
"""How long one call is carried out before others get their turn."""

_UNSIGNED = struct.Struct("=I")
_MANY = frozenset({Call.SENDMMSG, Call.RECVMMSG})

Source = Callable[[], Message]
"""Reads a message of the program, when it is due: as the kernel does, not before those that precede it."""


class Pause(Exception):
    """Go on when the socket is ready."""


class Job:
    """A call with its messages, of which `at` are done, and `done` bytes of the next.

    Args:
        caller: who waits for it.
        sock: what it is about; it is not ours.
        flags: of the call.
        sources: of the messages.
        step: carries out some of a message; returns whether that was all.

    """

    def __init__(
        self,
        caller: Caller,
        sock: socket.socket,
        flags: int,
        sources: Sequence[Source],
        step: Callable[[Job, Message], bool],
    ) -> None:
        self.caller = caller
        self.sock = sock
        self.flags = flags
        self.at = 0
        self.done = 0
        self._sources = sources
        self._message: Message | None = None
        self._step = step
        is_non_blocking = fcntl.fcntl(sock, fcntl.F_GETFL) & os.O_NONBLOCK
        self.is_patient = not is_non_blocking and not flags & socket.MSG_DONTWAIT

    def run(self) -> None:
        """Do what can be done in a while, and answer when that is all.

        Raises:
            Pause: that was not all.
            Gone: nobody waits any more.

        """
        end = time.monotonic() + TURN_S
        try:
            while self.at < len(self._sources):
                if time.monotonic() > end:
                    raise Pause
                self._message = self._message or self._sources[self.at]()
                if self._step(self, self._message):
                    self._go_to_next()
        except BlockingIOError as exc:
            if self.is_patient:
                raise Pause from exc
            self.conclude(errno.EAGAIN)
        except OSError as exc:
            self.conclude(exc.errno or errno.EINVAL)
        else:
            self.conclude(0)

    def conclude(self, error: int) -> None:
        """Answer: with what was done, and where that is nothing with an error."""
        done = self.at if self.caller.call in _MANY else self.done
        if error and not done:
            if error == errno.EPIPE and not self.flags & socket.MSG_NOSIGNAL:
                with suppress(ProcessLookupError):
                    signal_thread(self.caller.process, self.caller.thread, signal.SIGPIPE)
            self.caller.fail(error)
        else:
            self.caller.answer(done)

    def _go_to_next(self) -> None:
        if self.caller.call in _MANY:
            assert self._message is not None  # noqa: S101 - it was carried out just now
            self.caller.write(self._message.address + ENTRY_BYTES - 8, _UNSIGNED.pack(self.done))
            self.done = 0
            # What was received is not kept for the sake of what may come.
            if self.caller.call is Call.RECVMMSG:
                self.is_patient = False
        self._message = None
        self.at += 1
