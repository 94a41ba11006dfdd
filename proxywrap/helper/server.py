"""The control socket: accepts connections, and lives as long as it is wanted.

A connection that sends nothing is dropped when too many of them wait, so that
a flood costs its sender only.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Sequence

from proxywrap.events import Note
from proxywrap.helper.session import Context, Session

__all__ = ["ControlServer"]

MAX_SILENT = 512
"""Connections that may wait for their request: a wrapped process sends it at once."""

ACCEPT_BATCH = 64
"""Connections taken before others get their turn."""


class ControlServer:
    """Serves the listening sockets, which stay their creator's.

    Args:
        listeners: non-blocking, listening, AF_UNIX SOCK_SEQPACKET.
        context: what the sessions share.
        tasks: where attempts run; its end waits for them.

    """

    def __init__(self, listeners: Sequence[socket.socket], context: Context, tasks: asyncio.TaskGroup) -> None:
        self._listeners = listeners
        self._context = context
        self._tasks = tasks
        self._loop = asyncio.get_running_loop()
        self._silent: dict[socket.socket, None] = {}

    def start(self) -> None:
        """Begin to accept."""
        for listener in self._listeners:
            self._loop.add_reader(listener, self._accept, listener)

    def stop(self) -> None:
        """Accept no more and drop who has not asked for anything yet."""
        for listener in self._listeners:
            self._loop.remove_reader(listener)
        while self._silent:
            self._drop_oldest()

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(ACCEPT_BATCH):
            try:
                connection, _address = listener.accept()
            except BlockingIOError:
                return
            except OSError as exc:
                self._accept_failed(exc)
                return
            self._serve(connection)

    def _accept_failed(self, exc: OSError) -> None:
        """Make room, if that is what is missing; the backlog is tried again at once."""
        self._context.report(Note(f"cannot accept a request: {exc}"))
        if exc.errno in {errno.EMFILE, errno.ENFILE} and self._silent:
            self._drop_oldest()

    def _serve(self, connection: socket.socket) -> None:
        self._silent[connection] = None
        if len(self._silent) > MAX_SILENT:
            self._drop_oldest()
        connection.setblocking(False)
        self._loop.add_reader(connection, self._readable, connection)

    def _readable(self, connection: socket.socket) -> None:
        self._loop.remove_reader(connection)
        del self._silent[connection]
        session = Session(self._context, connection)
        if session.receive():
            self._tasks.create_task(session.connect())

    def _drop_oldest(self) -> None:
        oldest = next(iter(self._silent))
        del self._silent[oldest]
        self._loop.remove_reader(oldest)
        oldest.close()
