"""Connections that wrapped processes keep where they can make no new ones: see `csrc/preload/lifeline.c`.

A process in another network namespace and another root has no other way to us.
Each message brings one end of a pair of sockets, which is served as a
connection that was accepted.
"""

from __future__ import annotations

import array
import asyncio
import socket
from collections.abc import Callable

from proxywrap.errors import RemoteProtocolError
from proxywrap.helper.context import Context
from proxywrap.helper.session import Session, descriptors
from proxywrap.protocol.wire import REQUEST_BYTES, Op, parse_request

__all__ = ["Lifelines"]

MAX_KEPT = 256
"""One more takes the place of the oldest."""

BATCH = 64
"""Messages taken before others get their turn."""

_RIGHTS_BYTES = socket.CMSG_SPACE(array.array("i").itemsize)
_RECEIVE = int(socket.MSG_DONTWAIT | socket.MSG_CMSG_CLOEXEC)


class Lifelines:
    """Owns the connections that are kept.

    Args:
        context: what the sessions share.
        serve: serves a connection, which it owns.

    """

    def __init__(self, context: Context, serve: Callable[[socket.socket, Session], None]) -> None:
        self._context = context
        self._serve = serve
        self._loop = asyncio.get_running_loop()
        self._kept: dict[socket.socket, None] = {}

    def keep(self, connection: socket.socket) -> None:
        """Keep a connection until the other side lets go of it."""
        if len(self._kept) >= MAX_KEPT:
            self._drop(next(iter(self._kept)))
        self._kept[connection] = None
        self._loop.add_reader(connection, self._receive, connection)

    def drain(self) -> None:
        """Serve what waits now."""
        for connection in list(self._kept):
            self._receive(connection)

    def close(self) -> None:
        """Let go of all."""
        for connection in list(self._kept):
            self._drop(connection)

    def _receive(self, connection: socket.socket) -> None:
        for _ in range(BATCH):
            try:
                data, control, _flags, _address = connection.recvmsg(
                    REQUEST_BYTES + 1, _RIGHTS_BYTES, _RECEIVE
                )
            except BlockingIOError:
                return
            except OSError:
                data, control = b"", []
            fds = descriptors(control)
            if not self._is_sound(data) or len(fds) != 1:
                for fd in fds:
                    self._context.closer.close(fd)
                self._drop(connection)
                return
            self._take(fds[0])

    def _is_sound(self, data: bytes) -> bool:
        try:
            request = parse_request(data)
        except RemoteProtocolError:
            return False
        return request.op is Op.KEEP and self._context.has_token(request.token)

    def _take(self, fd: int) -> None:
        try:
            sock = socket.socket(fileno=fd)
        except OSError:  # no socket
            self._context.closer.close(fd)
            return
        if (sock.family, sock.type) != (socket.AF_UNIX, socket.SOCK_SEQPACKET):
            self._context.closer.close(sock.detach())
            return
        self._serve(sock, Session(self._context, sock))

    def _drop(self, connection: socket.socket) -> None:
        self._loop.remove_reader(connection)
        del self._kept[connection]
        connection.close()
