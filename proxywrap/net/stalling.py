"""The options of a socket that would stall a handshake: cleared for its duration."""

from __future__ import annotations

import socket

__all__ = ["StallingOptions"]

_TCP_FASTOPEN_CONNECT = 30  # linux/tcp.h

_NEUTRAL = (
    (socket.IPPROTO_TCP, _TCP_FASTOPEN_CONNECT, 0),  # the SYN would wait for the first byte
    (socket.IPPROTO_TCP, socket.TCP_CORK, 0),  # a request would wait for more
    (socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1),  # a reply would wait for more
)


class StallingOptions:
    """What an application's socket had, while it has not."""

    def __init__(self) -> None:
        self._saved: list[tuple[int, int, int]] = []

    def clear(self, sock: socket.socket) -> None:
        """Give each of them its neutral value."""
        for level, name, neutral in _NEUTRAL:
            try:
                value = sock.getsockopt(level, name)
            except OSError:  # a kernel or a protocol that does not have it
                continue
            if value != neutral:
                sock.setsockopt(level, name, neutral)
                self._saved.append((level, name, value))

    def restore(self, sock: socket.socket) -> None:
        """Put the application's values back.

        What a connected socket does not take (TCP_FASTOPEN_CONNECT) means
        nothing to it either, and is put back when it is disconnected.
        """
        refused = []
        for option in self._saved:
            try:
                sock.setsockopt(*option)
            except OSError:
                refused.append(option)
        self._saved = refused
