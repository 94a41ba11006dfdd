"""Carries bytes between two streams, and how they end.

An end of one direction (FIN) is passed on as such, the other direction lives on.
A reset (RST), or anything else that breaks one side, resets the other.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from proxywrap.net.stream import StreamIO
    from proxywrap.testing.accesslog import Access

__all__ = ["close", "relay", "reset"]

CHUNK_BYTES = 64 * 1024
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # struct linger: on, no time to send


async def relay(client: StreamIO, destination: StreamIO, access: Access) -> None:
    """Carry bytes both ways until both directions have ended; count them in `access`.

    Both streams are closed afterwards, or reset.
    """

    async def send() -> None:
        async for data in _chunks(client.reader):
            await destination.send_all(data)
            access.sent_bytes += len(data)
        destination.writer.write_eof()

    async def receive() -> None:
        async for data in _chunks(destination.reader):
            await client.send_all(data)
            access.received_bytes += len(data)
        client.writer.write_eof()

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(send())
            group.create_task(receive())
    except* OSError:
        reset(client)
        reset(destination)
    finally:
        await close(client)
        await close(destination)


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while data := await reader.read(CHUNK_BYTES):
        yield data


def reset(io: StreamIO) -> None:
    """End a connection by RST."""
    sock = io.writer.get_extra_info("socket")
    with contextlib.suppress(OSError):  # the peer was faster
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    io.writer.transport.abort()


async def close(io: StreamIO) -> None:
    """Close a connection after what has been written went out."""
    io.writer.close()
    with contextlib.suppress(OSError):
        await io.writer.wait_closed()
