"""Whether what a socket sends leaves by a certain device, past its address."""

from __future__ import annotations

import socket
from contextlib import suppress

__all__ = ["BY_INDEX", "LOOPBACK_INDEX", "has_device"]

_IFNAMSIZ = 16  # net/if.h
LOOPBACK_INDEX = 1
"""Of the loopback device, in every network namespace."""

BY_INDEX = (
    (socket.IPPROTO_IP, 50),  # IP_UNICAST_IF, linux/in.h
    (socket.IPPROTO_IPV6, 76),  # IPV6_UNICAST_IF, linux/in6.h
)
"""Level and name of the options that choose a device by its index."""


def has_device(sock: socket.socket) -> bool:
    """Tell whether an inet socket is bound to a device that is not the loopback one."""
    name = sock.getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, _IFNAMSIZ).partition(b"\0")[0]
    if name not in {b"", b"lo"}:
        return True
    for level, option in BY_INDEX:
        with suppress(OSError):  # of another family
            index = socket.ntohl(sock.getsockopt(level, option) & 0xFFFFFFFF)
            if index not in {0, LOOPBACK_INDEX}:
                return True
    return False
