"""What all relays have in common: two sockets, a direction each way, and how they end."""

from __future__ import annotations

import asyncio
import select
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

__all__ = ["Carrier", "Direction"]

_RESET = struct.pack("ii", 1, 0)  # struct linger


class Direction(Protocol):
    """One of the two; tells its carrier when it has ended."""

    has_ended: bool

    def start(self) -> None:
        """Wait for something to come."""

    def stop(self) -> None:
        """Be called no more."""


class Carrier:
    """Carries bytes between an application and its way; owns both sockets.

    Args:
        one: connected, non-blocking; the application's end.
        other: likewise.
        on_end: called once, when both are closed.

    `has_sent_all` is true when the application has ended and all that it sent
    is the kernel's; `on_sent` is called once, then.

    """

    def __init__(self, one: socket.socket, other: socket.socket, on_end: Callable[[], None]) -> None:
        self.has_sent_all = False
        self.on_sent: Callable[[], None] = _nothing
        self._sockets = (one, other)
        self._on_end = on_end
        self._directions: tuple[Direction, ...] = ()
        self._resets: select.epoll | None = None

    def start(self, there: Direction, back: Direction) -> None:
        """Begin to carry, from the application and to it."""
        self._directions = (there, back)
        for direction in self._directions:
            direction.start()

    def abort(self) -> None:
        """Reset both connections and close them."""
        for sock in self._sockets:
            with suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.close()

    def note_end(self, source: int) -> None:
        """Close both where nothing can come from either any more; else see whether `source` is reset.

        Raises:
            OSError: there are too many descriptors.

        """
        if all(direction.has_ended for direction in self._directions):
            self.close()
            return
        if self._directions[0].has_ended:
            self.has_sent_all = True
            self.on_sent()
            if all(direction.has_ended for direction in self._directions):
                return  # whoever was told has closed both
        self._watch(source)

    def note_stall(self, direction: Direction, source: int) -> None:
        """See whether the application resets its end while nothing of what it sends can go on.

        Raises:
            OSError: there are too many descriptors.

        """
        if direction is self._directions[0]:
            self._watch(source)

    def _watch(self, source: int) -> None:
        if self._resets is None:
            self._resets = select.epoll()
            asyncio.get_running_loop().add_reader(self._resets.fileno(), self._look_for_reset)
        with suppress(FileExistsError):
            self._resets.register(source, select.EPOLLET)  # which is for errors, and tells of them once

    def _look_for_reset(self) -> None:
        if self._resets is not None and any(seen & select.EPOLLERR for _fd, seen in self._resets.poll(0)):
            self.abort()

    def close(self) -> None:
        """Close both connections; what is under way to the application is lost."""
        for direction in self._directions:
            direction.stop()
        if self._resets is not None:
            asyncio.get_running_loop().remove_reader(self._resets.fileno())
            self._resets.close()
        for sock in self._sockets:
            sock.close()
        on_end, self._on_end = self._on_end, _nothing
        on_end()


def _nothing() -> None:
    """Tell nobody, or nobody again."""
