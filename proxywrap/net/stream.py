"""`ByteIO` over asyncio's streams, for sockets that are ours alone.

A stream reads ahead into its own buffer. That is no harm here, for whoever goes
on reading after the flow reads from the same stream; a socket that is only
borrowed must not be read this way.
"""

from __future__ import annotations

import asyncio

from proxywrap.errors import RemoteProtocolError, TruncatedError

__all__ = ["StreamIO"]


class StreamIO:
    """The two ends of an asyncio stream as a `ByteIO`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send_all(self, data: bytes) -> None:
        """Send all of `data`."""
        self.writer.write(data)
        await self.writer.drain()

    async def read_exactly(self, size: int) -> bytes:
        """Read `size` bytes."""
        try:
            return await self.reader.readexactly(size)
        except asyncio.IncompleteReadError as exc:
            raise TruncatedError(
                f"expected {size} bytes, but the connection was closed after {len(exc.partial)}",
                received=len(exc.partial),
            ) from exc

    async def read_until(self, delimiter: bytes, limit: int) -> bytes:
        """Read up to and including `delimiter`, which must come within `limit` bytes."""
        # StreamReader.readuntil knows only the stream's own limit, and would
        # wait for more where ours is reached already.
        data = bytearray()
        while not data.endswith(delimiter):
            if len(data) >= limit:
                raise RemoteProtocolError(f"expected {delimiter!r} within {limit} bytes, got none")
            byte = await self.reader.read(1)
            if not byte:
                raise TruncatedError(
                    f"expected {delimiter!r}, but the connection was closed after {len(data)} bytes",
                    received=len(data),
                )
            data += byte
        return bytes(data)
