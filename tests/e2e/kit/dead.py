"""Proxies that are of no use, each in a way of its own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .listening import listening

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

__all__ = ["DEAD", "Dead"]

IP_MINTTL = 21  # linux/in.h


@dataclass(slots=True)
class Dead:
    """Where a proxy should be; `connections` are those that were accepted there."""

    port: int = 0
    connections: int = 0
    credentials: str = ""


@contextlib.asynccontextmanager
async def _refused(host: str = "127.0.0.1") -> AsyncIterator[Dead]:
    """Be bound, so that nobody else listens there."""
    with socket.socket() as sock:
        sock.bind((host, 0))
        yield Dead(sock.getsockname()[1])


@contextlib.asynccontextmanager
async def _black_holed(host: str = "127.0.0.1") -> AsyncIterator[Dead]:
    """Have the kernel drop whatever is sent there by this host, whose packets begin with a TTL of 64."""
    with socket.socket() as sock:
        sock.setsockopt(socket.IPPROTO_IP, IP_MINTTL, 255)
        sock.bind((host, 0))
        sock.listen()
        yield Dead(sock.getsockname()[1])


def _answering(
    *answers: bytes | None, credentials: str = ""
) -> Callable[..., contextlib.AbstractAsyncContextManager[Dead]]:
    """Return a server that gives an answer to each thing it is told, None being none for ever."""

    @contextlib.asynccontextmanager
    async def run(host: str = "127.0.0.1") -> AsyncIterator[Dead]:
        dead = Dead(credentials=credentials)

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            dead.connections += 1
            for answer in answers:
                if not await reader.read(4096):
                    return
                if answer is None:
                    await reader.read()
                    return
                writer.write(answer)
                await writer.drain()

        async with listening(serve, host) as dead.port:
            yield dead

    return run


DEAD = {
    "refused": _refused,
    "black-holed": _black_holed,
    "garbage": _answering(b"220 mail.test ESMTP\r\n"),
    "closing": _answering(),
    "silent": _answering(None),
    "wrong password": _answering(b"\x05\x02", b"\x01\x01", credentials=" alice guess"),
}
"""How each of them is run; all are called SOCKS5 proxies."""
