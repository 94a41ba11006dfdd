"""Connections whose other end may close at any moment, whatever lies unread in them.

An event loop tells of what can be read, which an unread message always can. So
they are in an epoll set of their own, which tells of their ends alone.
"""

from __future__ import annotations

import asyncio
import select
import socket
from collections.abc import Callable

__all__ = ["Ends"]


class Ends:
    """The connections of one event loop."""

    def __init__(self) -> None:
        self._set: select.epoll | None = None
        self._watched: dict[int, Callable[[], object]] = {}

    def watch(self, connection: socket.socket, on_end: Callable[[], object]) -> None:
        """Have `on_end` called once when the other end closes, until `unwatch`."""
        if self._set is None:
            self._set = select.epoll()
            asyncio.get_running_loop().add_reader(self._set.fileno(), self._look)
        self._watched[connection.fileno()] = on_end
        self._set.register(connection, select.EPOLLRDHUP | select.EPOLLET)

    def unwatch(self, connection: socket.socket) -> None:
        """Call nobody any more."""
        assert self._set is not None  # noqa: S101 - it was watched
        del self._watched[connection.fileno()]
        self._set.unregister(connection)
        if not self._watched:
            asyncio.get_running_loop().remove_reader(self._set.fileno())
            self._set.close()
            self._set = None

    def keep(self, connection: socket.socket) -> None:
        """Close it when the other end is closed."""

        def close() -> None:
            self.unwatch(connection)
            connection.close()

        self.watch(connection, close)

    def _look(self) -> None:
        assert self._set is not None  # noqa: S101 - it calls us
        for fd, _ in self._set.poll(0):
            on_end = self._watched.get(fd)
            if on_end is not None:  # what came before may have had this one left alone
                on_end()
