"""Whether anybody waits at the control socket, and who has connected."""

from __future__ import annotations

import select
import socket
import struct
from collections.abc import Sequence

__all__ = ["has_backlog", "peer_of"]

_CREDENTIALS = struct.Struct("3i")


def has_backlog(listeners: Sequence[socket.socket]) -> bool:
    """Tell whether a connection waits to be accepted."""
    poll = select.poll()
    for listener in listeners:
        poll.register(listener, select.POLLIN)
    return bool(poll.poll(0))


def peer_of(connection: socket.socket) -> tuple[int, int]:
    """Return the process and the user that have connected, or that listen, as unix(7) knows them."""
    data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, _gid = _CREDENTIALS.unpack(data)
    return pid, uid
