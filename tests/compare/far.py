"""What is beyond a wrapper: a SOCKS5 proxy that holds requests back, and the destinations.

The proxy says how long a client made it wait: a wrapper that waits for it
inside connect() keeps the program from saying that it may answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, Any

from e2e.kit.listening import Handler, join

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

__all__ = [
    "BANNER_PORT",
    "CLOSED",
    "ECHO_PORT",
    "MANY",
    "NAMES",
    "REMOTE",
    "WEB_PORT",
    "Proxy",
    "destinations",
    "nameserver",
]

ECHO_PORT, BANNER_PORT, WEB_PORT = 7, 22, 80
REMOTE = {4: "198.51.100.7", 6: "2001:db8:5::7"}
"""Where the names lead: nothing is there but in the world of the unwrapped program."""

CLOSED = "198.51.100.8"
"""A host that refuses."""

NAMES = {"site.test": REMOTE[4], "six.test": REMOTE[6], "closed.test": CLOSED}

MANY = {f"n{number}.test": str(IPv4Address("203.0.113.0") + number) for number in range(200)}
"""Names that are looked up and never connected to."""

_CONNECT, _RESOLVE, _RESOLVE_PTR = 1, 0xF0, 0xF1
_OK, _HOST_UNREACHABLE, _REFUSED, _NO_SUCH_COMMAND = 0, 4, 5, 7
_IPV4, _NAME, _IPV6 = 1, 3, 4


@dataclass(frozen=True, slots=True)
class _Request:
    cmd: int
    host: str
    port: int
    is_name: bool


class Proxy:
    """A SOCKS5 server that knows NAMES, resolves them as Tor does, and may hold CONNECT requests back.

    Args:
        patience_s: after how long it answers a request that it holds.

    """

    def __init__(self, patience_s: float) -> None:
        self.port = 0
        self._patience_s = patience_s
        self.begin()

    def begin(self, *, is_held: bool = False, needed: int = 0) -> None:
        """Forget what was asked. Hold requests until `release`, or until `needed` have arrived."""
        self.asked: list[str] = []
        self.waited_s = 0.0
        self._needed = needed
        self._arrived = 0
        self._gate = asyncio.Event()
        if not (is_held or needed):
            self._gate.set()

    async def release(self) -> None:
        """Answer what was held."""
        self._gate.set()

    async def _hold(self) -> None:
        self._arrived += 1
        if self._needed and self._arrived >= self._needed:
            self._gate.set()
        try:
            async with asyncio.timeout(self._patience_s):
                await self._gate.wait()
        except TimeoutError:
            self.waited_s += self._patience_s

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Speak with one client."""
        try:
            request = await _read_request(reader, writer)
        except ValueError as error:
            self.asked.append(f"no request: {error}")
            return
        kind = "name" if request.is_name else "address"
        if request.cmd != _CONNECT:
            self.asked.append(f"command {request.cmd:#x} {request.host}")
            writer.write(_answer_question(request))
            return
        self.asked.append(f"{kind} {request.host}:{request.port}")
        await self._hold()
        host = NAMES.get(request.host.lower(), request.host)
        try:
            if host not in {*REMOTE.values(), CLOSED}:
                raise OSError
            far = await asyncio.open_connection("127.0.0.2", request.port if host != CLOSED else 1)
        except OSError:
            writer.write(_reply(_REFUSED if host == CLOSED else _HOST_UNREACHABLE))
            return
        writer.write(_reply(_OK))
        await join((reader, writer), far)


async def _read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> _Request:
    version, count = await reader.readexactly(2)
    if version != 5:
        raise ValueError(f"version {version}")
    await reader.readexactly(count)
    writer.write(b"\x05\x00")
    version, cmd, _, kind = await reader.readexactly(4)
    if version != 5:
        raise ValueError(f"version {version}")
    if kind == _NAME:
        host = (await reader.readexactly((await reader.readexactly(1))[0])).decode()
    elif kind == _IPV4:
        host = str(IPv4Address(await reader.readexactly(4)))
    else:
        host = str(IPv6Address(await reader.readexactly(16)))
    (port,) = struct.unpack("!H", await reader.readexactly(2))
    return _Request(cmd, host, port, is_name=kind == _NAME)


def _reply(rep: int, atyp: int = _IPV4, address: bytes = bytes(4)) -> bytes:
    return bytes([5, rep, 0, atyp]) + address + bytes(2)


def _answer_question(request: _Request) -> bytes:
    address = {**NAMES, **MANY}.get(request.host.lower())
    if request.cmd == _RESOLVE and address is not None and ":" not in address:
        return _reply(_OK, _IPV4, IPv4Address(address).packed)
    if request.cmd == _RESOLVE_PTR and request.host == REMOTE[4]:
        return _reply(_OK, _NAME, b"\x09site.test")
    return _reply(_HOST_UNREACHABLE if request.cmd in {_RESOLVE, _RESOLVE_PTR} else _NO_SUCH_COMMAND)


# ---
# Destinations


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
    writer.write_eof()


async def _banner(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"hello, I speak first\n")
    await _echo(reader, writer)


async def _web(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\nit works\n")


_DESTINATIONS: dict[int, Handler] = {ECHO_PORT: _echo, BANNER_PORT: _banner, WEB_PORT: _web}


@contextlib.asynccontextmanager
async def destinations(*hosts: str) -> AsyncIterator[None]:
    """Run all destinations on each of the addresses."""
    async with contextlib.AsyncExitStack() as stack:
        for host in hosts:
            for port, handler in _DESTINATIONS.items():
                await stack.enter_async_context(serving(handler, host, port))
        yield


@contextlib.asynccontextmanager
async def serving(handler: Handler, host: str, port: int) -> AsyncIterator[int]:
    """Serve on a port, 0 for any free one, which is given; end every connection when the block does."""
    tasks: set[asyncio.Task[None]] = set()

    async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await handler(reader, writer)
        writer.close()

    server = await asyncio.start_server(accepted, host, port, backlog=4096)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


# ---
# A name server, for the program that asks it without a wrapper


class _NameServer(asyncio.DatagramProtocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._transport.sendto(_dns_answer(data), addr)


def _dns_answer(query: bytes) -> bytes:
    labels, at = [], 12
    while length := query[at]:
        labels.append(query[at + 1 : at + 1 + length].decode().lower())
        at += 1 + length
    question = query[12 : at + 5]
    address = NAMES.get(".".join(labels))
    qtype = int.from_bytes(question[-4:-2], "big")
    record = b""
    if address is not None and qtype == (28 if ":" in address else 1):
        data = socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)
        record = b"\xc0\x0c" + question[-4:] + struct.pack("!IH", 60, len(data)) + data
    flags = b"\x81\x80" if address is not None else b"\x81\x83"
    counts = struct.pack("!4H", 1, 1 if record else 0, 0, 0)
    return query[:2] + flags + counts + question + record


@contextlib.asynccontextmanager
async def nameserver(host: str) -> AsyncIterator[None]:
    """Answer for NAMES on port 53 of `host`."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(_NameServer, local_addr=(host, 53))
    try:
        yield
    finally:
        transport.close()
