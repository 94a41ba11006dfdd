"""Descriptors that are closed where a close() that blocks hurts nobody.

The last close() of a TCP socket with SO_LINGER waits until what was sent has
arrived, one of a file on FUSE for whoever serves it. So what strangers have
sent, and what programs may have left to us alone, is closed in a thread of its
own. If more comes while one close() waits, the thread is interrupted, which
ends a lingering one at once.
"""

from __future__ import annotations

import os
import signal
import socket
import struct
import time
from _thread import allocate_lock, start_new_thread  # threading is more to wait for
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio  # which comes after the first requests

__all__ = ["INTERRUPT", "Closer"]

PATIENCE_S = 0.05
"""How long one close() may wait where others are to follow."""

MOST = 512
"""Descriptors that may wait, before no stranger is listened to any more."""

INTERRUPT = signal.SIGUSR2

_LINGER = struct.Struct("ii")


class Closer:
    """Closes descriptors later, in the order in which they come; the thread lives while there are any."""

    def __init__(self) -> None:
        self._waiting: deque[int] = deque()
        self._lock = allocate_lock()
        self._thread: int | None = None  # this and the next: only with the lock
        self._busy_since = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_full(self) -> bool:
        """Whether there is enough to be closed already."""
        return len(self._waiting) >= MOST

    def begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """Interrupt from now on what waits too long; in the main thread."""
        self._loop = loop
        self._watch()

    def close(self, fd: int) -> None:
        """Close a descriptor of whatever kind, which is owned from here on."""
        with self._lock:
            self._waiting.append(fd)
            if self._thread is None:
                self._start()
        self._watch()

    def close_socket(self, sock: socket.socket) -> None:
        """Close a socket of a program's, if it is open still: at once, unless that may wait for its peer."""
        if sock.fileno() >= 0 and _lingers(sock):
            self.close(sock.detach())
        else:
            sock.close()

    def _start(self) -> None:
        """Make the thread, which takes no signal but the one that interrupts it."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            # A signal that is ignored interrupts nothing.
            signal.signal(INTERRUPT, _hear)
            self._thread = start_new_thread(self._run, ())
            self._busy_since = time.monotonic()
        except RuntimeError:  # there can be no more threads now; it is tried again
            pass
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _run(self) -> None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [INTERRUPT])
        while True:
            with self._lock:
                if not self._waiting:
                    self._thread = None
                    return
                self._busy_since = time.monotonic()
                fd = self._waiting.popleft()
            with suppress(OSError):
                os.close(fd)

    def _watch(self) -> None:
        if self._loop is not None and self._timer is None and self._waiting:
            self._timer = self._loop.call_later(PATIENCE_S, self._look)

    def _look(self) -> None:
        """Interrupt a close() that keeps others waiting."""
        self._timer = None
        with self._lock:
            if self._thread is None and self._waiting:
                self._start()
            elif self._waiting and time.monotonic() - self._busy_since >= PATIENCE_S:
                assert self._thread is not None  # noqa: S101 - there was one, which does not end now
                signal.pthread_kill(self._thread, INTERRUPT)
        self._watch()


def _hear(*_: object) -> None:
    """Do nothing: the interruption was all."""


def _lingers(sock: socket.socket) -> bool:
    is_on, seconds = _LINGER.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER.size))
    return bool(is_on and seconds)
