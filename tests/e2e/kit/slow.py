"""Proxies that never end an answer: each byte, head or record of it comes soon after the last one."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from functools import partial
from itertools import repeat
from typing import TYPE_CHECKING

import trustme

from .listening import listening

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

__all__ = ["SLOW", "slow"]

PAUSE_S = 0.2
"""Shorter than any time limit."""

_CHUNK_BYTES = 1 << 16


async def _trickle(writer: asyncio.StreamWriter, pieces: Iterable[bytes]) -> None:
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(PAUSE_S)


def _bytes(data: bytes) -> Iterable[bytes]:
    return (data[at : at + 1] for at in range(len(data)))


async def _socks5(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer a request with the longest bound address there is, a byte at a time."""
    await reader.readexactly((await reader.readexactly(2))[1])
    writer.write(b"\x05\x00")
    await reader.read(_CHUNK_BYTES)
    await _trickle(writer, _bytes(b"\x05\x00\x00\x03\xff" + b"n" * 257))


async def _socks4(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer a byte at a time: eight are more than a second has room for."""
    await reader.read(_CHUNK_BYTES)
    await _trickle(writer, _bytes(b"\x00\x5a" + bytes(6)))


async def _http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say that the answer is on its way, again and again."""
    await reader.readuntil(b"\r\n\r\n")
    await _trickle(writer, repeat(b"HTTP/1.1 100 Continue\r\n\r\n"))


async def _ssh(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Greet with the lines that may stand before the version (RFC 4253, section 4.2)."""
    await _trickle(writer, repeat(b"welcome\r\n"))


async def _tls(
    context: ssl.SSLContext,
    shown: int,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    """Speak TLS; what comes behind the first `shown` flights comes a little at a time."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context.wrap_bio(incoming, outgoing, server_side=True)
    while True:
        with contextlib.suppress(ssl.SSLWantReadError):
            server.do_handshake()
            break
        if shown and outgoing.pending:
            shown -= 1
            writer.write(outgoing.read())
        elif outgoing.pending:
            await _trickle(writer, _bytes(outgoing.read()))
        incoming.write(await reader.readexactly(1) + await reader.read(_CHUNK_BYTES))
    data = outgoing.read()
    await _trickle(writer, (data[at : at + 100] for at in range(0, len(data), 100)))


def _handshake() -> Callable[..., Awaitable[None]]:
    return partial(_tls, _context(), 0)


def _tickets() -> Callable[..., Awaitable[None]]:
    context = _context()
    context.num_tickets = 2000
    return partial(_tls, context, 1)


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("proxy.test").configure_cert(context)
    return context


SLOW: dict[str, tuple[str, Callable[[], Callable[..., Awaitable[None]]]]] = {
    "socks5": ("socks5", lambda: _socks5),
    "socks4": ("socks4", lambda: _socks4),
    "http": ("http", lambda: _http),
    "tls": ("https", _handshake),
    "tickets": ("https", _tickets),
    "ssh": ("ssh", lambda: _ssh),
}
"""By what takes so long: how the proxy is called, and how its server is made."""


@contextlib.asynccontextmanager
async def slow(kind: str) -> AsyncIterator[str]:
    """Run one; its line in a file is given."""
    scheme, make = SLOW[kind]
    async with listening(make(), "127.0.0.1") as port:
        options = " insecure=1" if scheme == "https" else ""
        yield f"{scheme}://127.0.0.1:{port}{options}"
