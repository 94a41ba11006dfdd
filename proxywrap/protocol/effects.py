"""Effects: what a protocol flow asks of whoever holds the socket.

A flow is a generator that yields effects and is sent their results::

    ver, rep, _rsv, atyp = yield ReadExactly(4)

It reads exactly, so that no byte beyond its own reply is ever consumed: the
socket goes back to the application, and the next byte belongs to it. A driver
that meets the end of the stream in `ReadExactly` or `ReadUntil` throws
`TruncatedError` into the flow.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import NamedTuple, TypeVar

__all__ = ["Effect", "Flow", "ReadExactly", "ReadUntil", "Send"]

T = TypeVar("T")


class Send(NamedTuple):
    """Send all of `data`; its result is b''."""

    data: bytes

    def __repr__(self) -> str:
        """Return nothing of the data: they may hold a password."""
        return "Send()"


class ReadExactly(NamedTuple):
    """Read `size` bytes, no more; its result is those bytes."""

    size: int


class ReadUntil(NamedTuple):
    """Read up to and including `delimiter`, no more; its result is those bytes.

    `limit` is the most bytes that may come, delimiter included; a driver
    throws `RemoteProtocolError` where they hold no delimiter.
    """

    delimiter: bytes
    limit: int


Effect = Send | ReadExactly | ReadUntil
Flow = Generator[Effect, bytes, T]
