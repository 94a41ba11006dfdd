"""Connections to a Unix socket, made beside the event loop.

A full queue makes the kernel wait in connect(2), and nothing but a blocking
call sees the end of that: a non-blocking one fails with EAGAIN and is not
told of room.
"""

from __future__ import annotations

import asyncio
import errno
import math
import socket
import struct

__all__ = ["connect_unix"]

_TIMEVAL = struct.Struct("ll")


async def connect_unix(path: str, limit_s: float) -> socket.socket:
    """Return a non-blocking socket that is connected to `path`.

    Raises:
        OSError: as connect(2); EAGAIN where the queue was full for `limit_s`, or no thread could be started.

    """
    try:
        connecting = asyncio.get_running_loop().run_in_executor(None, _connect, path, limit_s)
    except RuntimeError as exc:
        raise OSError(errno.EAGAIN, f"{exc}: raise the limit of processes and threads (ulimit -u)") from exc
    try:
        return await asyncio.shield(connecting)
    except asyncio.CancelledError:
        connecting.add_done_callback(_close)
        raise


def _connect(path: str, limit_s: float) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        limit = _TIMEVAL.pack(math.ceil(limit_s), 0)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        sock.connect(path)
        sock.setblocking(False)
    except BaseException:
        sock.close()
        raise
    return sock


def _close(connecting: asyncio.Future[socket.socket]) -> None:
    """Close what nobody waits for any more."""
    if not connecting.cancelled() and connecting.exception() is None:
        connecting.result().close()
