"""Destinations for the proxy server, and a client made of the flows."""

from __future__ import annotations

import asyncio
import contextlib
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from proxywrap.address import Endpoint
from proxywrap.net.driver import run
from proxywrap.net.stream import StreamIO
from proxywrap.protocol.handshake import client_handshake
from proxywrap.uri import parse_uri

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

__all__ = [
    "BANNER",
    "DEADLINE_S",
    "LOOPBACK",
    "banner",
    "connect",
    "destination",
    "echo",
    "through",
    "website",
]

LOOPBACK = IPv4Address("127.0.0.1")
DEADLINE_S = 20.0
BANNER = b"SSH-2.0-banner\r\n\r\n\0"


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send back what comes, after its end."""
    writer.write(await reader.read())
    writer.close()


async def banner(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Speak first."""
    writer.write(BANNER)
    await reader.read()
    writer.close()


async def website(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve one page."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.0 200 OK\r\n\r\nhello")
    writer.close()


@contextlib.asynccontextmanager
async def destination(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[Endpoint]:
    """Run a destination until the block ends."""
    server = await asyncio.start_server(serve, str(LOOPBACK), 0)
    async with server:
        yield Endpoint(LOOPBACK, server.sockets[0].getsockname()[1])


@contextlib.asynccontextmanager
async def connect(port: int) -> AsyncIterator[StreamIO]:
    """Connect to the server itself."""
    reader, writer = await asyncio.open_connection(str(LOOPBACK), port)
    try:
        yield StreamIO(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


@contextlib.asynccontextmanager
async def through(url: str, wanted: Endpoint) -> AsyncIterator[StreamIO]:
    """Connect to `wanted` through the proxy `url`."""
    uri = parse_uri(url)
    async with asyncio.timeout(DEADLINE_S), connect(uri.port) as io:
        await run(client_handshake(uri, wanted), io)
        yield io
