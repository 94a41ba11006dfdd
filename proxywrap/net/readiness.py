"""Waiting for a socket that is somebody else's: afterwards the loop knows nothing of it."""

from __future__ import annotations

import select
import socket
from typing import TYPE_CHECKING

from proxywrap.errors import TimedOut

if TYPE_CHECKING:
    import asyncio  # which comes after the first lent sockets: they set out without it

__all__ = ["is_writable", "until_readable", "until_writable"]


def is_writable(sock: socket.socket) -> bool:
    """Tell whether a socket can be written to, or its connect has ended, now."""
    poll = select.poll()
    poll.register(sock, select.POLLOUT)
    return bool(poll.poll(0))


async def until_readable(sock: socket.socket, left_s: float, limit_s: float) -> None:
    """Wait for bytes, for the end of the stream or for an error.

    Raises:
        TimedOut: nothing comes for `left_s`, which is what is left of `limit_s`.

    """
    await _until(sock, left_s, limit_s, is_writable=False)


async def until_writable(
    sock: socket.socket, left_s: float | None = None, limit_s: float | None = None
) -> None:
    """Wait for room, or for the end of a connect; without a limit, for as long as the kernel tries.

    Raises:
        TimedOut: there is none for `left_s`, which is what is left of `limit_s`.

    """
    await _until(sock, left_s, limit_s or left_s or 0, is_writable=True)


async def _until(sock: socket.socket, left_s: float | None, limit_s: float, *, is_writable: bool) -> None:
    import asyncio  # noqa: PLC0415 - whoever waits has it

    # A timer of its own: asyncio.timeout() would be a tenth of a connect.
    loop, fd = asyncio.get_running_loop(), sock.fileno()
    ready = loop.create_future()
    timer = None if left_s is None else loop.call_later(left_s, _expire, ready, limit_s)
    (loop.add_writer if is_writable else loop.add_reader)(fd, _wake, ready)
    try:
        await ready
    finally:
        (loop.remove_writer if is_writable else loop.remove_reader)(fd)
        if timer is not None:
            timer.cancel()


def _expire(ready: asyncio.Future[None], limit_s: float) -> None:
    if not ready.done():
        ready.set_exception(TimedOut(limit_s))


def _wake(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
