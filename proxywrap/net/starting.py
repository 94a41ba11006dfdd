"""A connect() that is begun and not waited for, whatever the socket's flags say.

O_NONBLOCK belongs to the application and is left alone; connect() has no flag
that would do instead. A blocking socket is connected by a zero-length
`sendto(MSG_FASTOPEN)`; where that is not to be had, a send timeout of a clock
tick bounds the wait.
"""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

from proxywrap.net.device import has_device
from proxywrap.net.native import connect_here
from proxywrap.net.places import SockAddr

__all__ = ["start_connect", "start_here"]

_NOW = int(socket.MSG_FASTOPEN | socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
_ONE_TICK = struct.pack("ll", 0, 1)  # struct timeval; the kernel rounds up to a tick

_NO_FASTOPEN = {
    errno.EOPNOTSUPP,  # net.ipv4.tcp_fastopen
    errno.ENETUNREACH,  # the shim of a wrapper around this one; the kernel will say it again
}


def start_connect(sock: socket.socket, sockaddr: SockAddr) -> int:
    """Begin to connect a socket; return an errno, EINPROGRESS where the end is to be waited for."""
    if _is_loopback(sockaddr[0]) and has_device(sock):
        return errno.ENETUNREACH  # the kernel would send it out by that device
    if not fcntl.fcntl(sock, fcntl.F_GETFL) & os.O_NONBLOCK:
        try:
            sock.sendto(b"", _NOW, sockaddr)
        except OSError as exc:
            if exc.errno not in _NO_FASTOPEN:
                return exc.errno or errno.ECONNREFUSED
        else:
            return 0
    with _tick_limit(sock):
        return sock.connect_ex(sockaddr)


def start_here(sock: socket.socket, sockaddr: bytes) -> int:
    """Begin to connect a socket to a place of ours on loopback; return an errno, likewise.

    By the kernel's own call: it is no business of a wrapper around us.
    """
    if has_device(sock):
        return errno.ENETUNREACH  # the kernel would send it out by that device
    with _tick_limit(sock):
        return connect_here(sock.fileno(), sockaddr)


@contextmanager
def _tick_limit(sock: socket.socket) -> Iterator[None]:
    """Bound connect() also where the application clears O_NONBLOCK just now.

    Python goes on waiting, without a limit, after a connect() that a signal
    has interrupted: none may come.
    """
    saved = sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, len(_ONE_TICK))
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _ONE_TICK)
    try:
        yield
    finally:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, saved)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _is_loopback(host: str) -> bool:
    """Tell whether an address, of which there are few kinds, is this host's own."""
    return host.startswith(("127.", "::ffff:127.")) or host == "::1"
