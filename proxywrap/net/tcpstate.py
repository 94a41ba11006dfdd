"""The state of a TCP connection, as the kernel numbers it."""

from __future__ import annotations

import socket

__all__ = ["TCP_CLOSE", "TCP_LISTEN", "tcp_state"]

TCP_CLOSE, TCP_LISTEN = 7, 10  # net/tcp_states.h


def tcp_state(sock: socket.socket) -> int:
    """Return the state of a TCP socket."""
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
