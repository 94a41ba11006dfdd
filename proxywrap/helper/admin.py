"""Where `proxywrapctl reload` asks, and hears when the new configuration is in effect.

A socket in the runtime directory, which is our user's alone. A request is the
word `REQUEST`, and the process ids of those who are meant if not all are. The
reply is one message: `RELOADED`, `KEPT` or `NO_FILE`, who we are and what became
of the file; nothing where somebody else is meant.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Set as AbstractSet
from contextlib import suppress

from proxywrap.helper.backlog import peer_of
from proxywrap.helper.reload import Reloader

__all__ = ["KEPT", "NO_FILE", "RELOADED", "REQUEST", "AdminServer"]

REQUEST = b"reload"

RELOADED, KEPT, NO_FILE = b"+", b"-", b" "

MAX_REQUEST_BYTES = 4096

MAX_WAITING = 16
"""Connections on which nothing has been asked yet."""

_SEND = int(socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)


class AdminServer:
    """Serves the socket from now on.

    Args:
        listener: non-blocking, listening, AF_UNIX SOCK_SEQPACKET; stays its creator's.
        reloader: reads the file anew.
        pids: by which we may be meant.
        title: by which the user knows us.

    """

    def __init__(
        self, listener: socket.socket, reloader: Reloader, pids: AbstractSet[int], title: str
    ) -> None:
        self._listener = listener
        self._reloader = reloader
        self._pids = pids
        self._title = title
        self._loop = asyncio.get_running_loop()
        self._waiting: list[socket.socket] = []
        self._loop.add_reader(self._listener, self._accept)

    def close(self) -> None:
        """Serve no more."""
        self._loop.remove_reader(self._listener)
        while self._waiting:
            self._drop(self._waiting[0])

    def _accept(self) -> None:
        try:
            connection, _address = self._listener.accept()
        except OSError:  # it has gone again, or no descriptor is left: it asks once more
            return
        if len(self._waiting) == MAX_WAITING:
            self._drop(self._waiting[0])
        self._waiting.append(connection)
        self._loop.add_reader(connection, self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError):
            if peer_of(connection)[1] in {0, os.geteuid()}:
                connection.send(self._answer(connection.recv(MAX_REQUEST_BYTES, socket.MSG_DONTWAIT)), _SEND)
        self._drop(connection)

    def _drop(self, connection: socket.socket) -> None:
        self._waiting.remove(connection)
        self._loop.remove_reader(connection)
        connection.close()

    def _answer(self, request: bytes) -> bytes:
        words = request.split()
        if words[:1] != [REQUEST] or not all(word.isdigit() for word in words[1:]):
            return b""
        if len(words) > 1 and not self._pids & {int(word) for word in words[1:]}:
            return b""
        kind, text = self._reload()
        return kind + f"{self._title}: {text}".encode("utf-8", "surrogateescape")

    def _reload(self) -> tuple[bytes, str]:
        source = self._reloader.source
        if not self._reloader.has_file:
            return NO_FILE, f"{source}: not in a file that can be read anew"
        error = self._reloader.reload()
        if error is None:
            return RELOADED, f"{source}: read anew"
        return KEPT, f"{error}; what was in effect stays in effect"
