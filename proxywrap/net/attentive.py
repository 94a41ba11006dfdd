"""Whether a hop that was asked by a way which stood ready was still there: it has said a word, or has not."""

from __future__ import annotations

from proxywrap.errors import ProxyRefused, ProxyUnreachable, TimedOut, TruncatedError
from proxywrap.net.driver import ByteIO

__all__ = ["Attentive", "Stale", "had_gone"]


class Stale(Exception):
    """A way that stood ready leads nowhere any more, and nothing has come of what was said by it."""


def had_gone(cause: BaseException | None, unacknowledged: int) -> bool:
    """Tell whether a hop that has ended a connection so had gone before it was asked.

    A reset says that nobody has read the question. An orderly end does not,
    where the question was acknowledged: some proxies say no by hanging up.
    """
    if isinstance(cause, ProxyRefused):
        cause = cause.__cause__  # of a proxy that has let us in, and has closed
    if isinstance(cause, ProxyUnreachable):
        return not isinstance(cause, TimedOut) and unacknowledged > 0  # by an alert of TLS
    if isinstance(cause, TruncatedError):
        return unacknowledged > 0
    return isinstance(cause, ConnectionResetError | BrokenPipeError)


class Attentive:
    """A `ByteIO` that knows whether a byte has come."""

    def __init__(self, io: ByteIO) -> None:
        self.has_heard = False
        self._io = io

    async def send_all(self, data: bytes) -> None:
        """Send all of `data`."""
        await self._io.send_all(data)

    async def read_exactly(self, size: int) -> bytes:
        """Read `size` bytes, the first one by itself."""
        if self.has_heard:
            return await self._io.read_exactly(size)
        first = await self._io.read_exactly(1)
        self.has_heard = True
        return first + await self._io.read_exactly(size - 1) if size > 1 else first

    async def read_until(self, delimiter: bytes, limit: int) -> bytes:
        """Read on to `delimiter`, which no answer begins with."""
        return await self._io.read_until(delimiter, limit)
