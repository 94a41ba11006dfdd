"""What the kernel knows of a TCP connection."""

from __future__ import annotations

import fcntl
import socket
import struct
import termios

__all__ = ["TCP_CLOSE", "TCP_LISTEN", "tcp_state", "unacknowledged_bytes"]

TCP_CLOSE, TCP_LISTEN = 7, 10  # net/tcp_states.h


def tcp_state(sock: socket.socket) -> int:
    """Return the state of a TCP socket."""
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]


def unacknowledged_bytes(fd: int) -> int:
    """Return how much of what was sent the peer's kernel has not acknowledged (SIOCOUTQ, tcp(7))."""
    (count,) = struct.unpack("i", fcntl.ioctl(fd, termios.TIOCOUTQ, bytes(4)))
    return int(count)
