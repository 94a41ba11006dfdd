"""Hops whose connections stand ready, as tests want them, and those connections."""

from __future__ import annotations

import asyncio
import contextlib
import select
import socket
import ssl
import struct
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from proxywrap.address import Endpoint
from proxywrap.net.connector import Deadlines
from proxywrap.net.warm import Reserves, Terms
from proxywrap.net.way import Way
from proxywrap.uri import ProxyURI, parse_uri

from .lending import DEADLINE_S, maker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

__all__ = [
    "ASKED",
    "DESTINATION",
    "GRANTED",
    "LET_IN",
    "LIMITS",
    "Client",
    "Hop",
    "Stock",
    "arrived",
    "hang_up",
    "hop",
    "stock",
    "until",
]

LIMITS = Deadlines(DEADLINE_S, DEADLINE_S)
DESTINATION = Endpoint(IPv4Address("192.0.2.7"), 80)
LET_IN = {"socks5": b"\x05\x02\x01\x00", "http": b"", "socks4a": b""}
GRANTED = {
    "socks5": b"\x05\x00\x00\x01" + bytes(6),
    "http": b"HTTP/1.1 200 OK\r\n\r\n",
    "socks4a": b"\x00\x5a" + bytes(6),
}
ASKED = {
    "socks5": b"\x05\x01\x00\x01\xc0\x00\x02\x07\x00\x50",
    "http": b"CONNECT 192.0.2.7:80 HTTP/1.1\r\nHost: 192.0.2.7:80\r\nProxy-Authorization: Basic dTpw\r\n\r\n",
    "socks4a": b"\x04\x01\x00\x50\xc0\x00\x02\x07u\x00",
}


class Client:
    """One that came to a hop."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def has_gone(self) -> bool:
        """Wait for its end; tell whether it said nothing before that."""
        return await self.reader.read() == b""


class Hop:
    """A proxy as a test wants it: it lets everybody in and waits for what the test does."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.port = 0
        self.clients: list[Client] = []
        self._writers: list[asyncio.StreamWriter] = []
        self.lets_in = True
        self.context: ssl.SSLContext | None = None

    def uri(self, count: int = 1, query: str = "") -> ProxyURI:
        """Return it with so many connections that stand ready."""
        kind = {"socks5": "socks5+tls", "http": "https"}[self.kind] if self.context else self.kind
        userinfo = "u" if self.kind == "socks4a" else "u:p"
        return parse_uri(f"{kind}://{userinfo}@127.0.0.1:{self.port}?warm={count}{query}")

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Let one in."""
        self._writers.append(writer)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            if self.context is not None:
                await writer.start_tls(self.context)
            if self.kind == "socks5":
                await reader.readexactly(4)
                writer.write(LET_IN["socks5"][:2])
                await reader.readexactly(5)
                writer.write(LET_IN["socks5"][2:] if self.lets_in else b"\x01\x01")
            self.clients.append(Client(reader, writer))
            if not self.lets_in:
                writer.close()

    async def leave(self) -> None:
        """Hang up on everybody."""
        for _ in range(10):  # asyncio makes a client's streams some turns after it was accepted
            await asyncio.sleep(0)
        for writer in self._writers:
            writer.transport.abort()


@contextlib.asynccontextmanager
async def hop(kind: str = "socks5", pem: str | None = None, port: int = 0) -> AsyncIterator[Hop]:
    """Run one, by TLS where it has a certificate."""
    made = Hop(kind)
    if pem is not None:
        made.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        made.context.load_cert_chain(pem)
    server = await asyncio.start_server(made.serve, "127.0.0.1", port)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        await made.leave()


class Stock:
    """Reserves under test, whose tasks can be waited for."""

    def __init__(
        self,
        terms: Terms | None = None,
        make: Callable[[ProxyURI], Coroutine[object, object, Way]] | None = None,
    ) -> None:
        self.told: list[tuple[ProxyURI, str]] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.reserves = Reserves(
            make or self.make, self.spawn, lambda *args: self.told.append(args), terms or Terms()
        )

    async def make(self, uri: ProxyURI) -> Way:
        """Return a way, as the helper does."""
        return await maker(LIMITS).open(uri)

    def spawn(self, coroutine: Coroutine[object, object, None]) -> asyncio.Task[None]:
        """Run it."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self.tasks.append(task)
        return task

    async def settle(self) -> None:
        """Wait until nothing is being made."""
        while pending := [task for task in self.tasks if not task.done()]:
            await asyncio.wait(pending)

    def stand(self, uri: ProxyURI) -> int:
        """Return how many stand."""
        return len(self.reserves._reserves[uri]._ready)

    async def fill(self, uri: ProxyURI, proxy: Hop | None = None) -> None:
        """Have all of them stand, at both ends."""
        self.reserves.want(uri)
        await self.settle()
        assert self.stand(uri) == uri.options.warm
        if proxy is not None:
            await until(lambda: len(proxy.clients) >= uri.options.warm)


@contextlib.asynccontextmanager
async def stock(
    terms: Terms | None = None, make: Callable[[ProxyURI], Coroutine[object, object, Way]] | None = None
) -> AsyncIterator[Stock]:
    """Have some, and nothing left of them: neither a task nor what the loop watches."""
    made = Stock(terms, make)
    selector = asyncio.get_running_loop()._selector  # type: ignore[attr-defined]
    before = set(selector.get_map())
    try:
        yield made
    finally:
        made.reserves.close()
        await made.settle()
    for task in made.tasks:
        assert task.cancelled() or task.exception() is None
    left = {fd: key for fd, key in selector.get_map().items() if fd not in before}
    assert not [key for key in left.values() if "_Ready" in repr(key.data)]


def hang_up(client: Client) -> None:
    """Reset a client's connection in the loop's next turn."""
    sock = client.writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.writer.transport.abort()


async def until(is_so: Callable[[], object]) -> None:
    """Give others their turn until something is so."""
    while not is_so():  # noqa: ASYNC110 - it is told by no event
        await asyncio.sleep(0)


def arrived(way: Way) -> None:
    """Wait, without a turn of the loop, until something has come by it."""
    assert select.select([way.lent.fileno()], [], [], DEADLINE_S)[0]
