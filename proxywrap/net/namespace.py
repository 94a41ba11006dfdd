"""Which network namespace a socket lives in: that of the thread that made it, wherever it goes."""

from __future__ import annotations

import socket
import struct

__all__ = ["namespace"]

_SO_NETNS_COOKIE = 71  # asm-generic/socket.h, Linux 5.14
_COOKIE = struct.Struct("=Q")


def namespace(sock: socket.socket) -> int:
    """Return the number of a socket's network namespace, 0 where the kernel does not tell it."""
    try:
        data = sock.getsockopt(socket.SOL_SOCKET, _SO_NETNS_COOKIE, _COOKIE.size)
    except OSError:
        return 0
    return int(_COOKIE.unpack(data)[0])
