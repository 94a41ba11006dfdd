"""Proxies that do one thing on purpose: hold every answer back, tear it up, or give a wrong one."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from .listening import join, listening, listening_on, send_on
from .origins import ORIGIN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

__all__ = ["EAGER", "Gate", "Script", "behind", "eager", "gate", "script", "trickle"]


class Gate:
    """A SOCKS5 server that answers no request until so many have arrived."""

    def __init__(self, count: int) -> None:
        self.port = 0
        self.count = count
        self.arrived = 0
        self.names: set[str] = set()
        self.clients: list[int] = []
        """Source ports of the clients, in order of arrival."""
        self._open = asyncio.Event()

    @property
    def url(self) -> str:
        """What -x takes."""
        return f"socks5://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Speak with one client."""
        self.clients.append(writer.get_extra_info("peername")[1])
        _, methods = await reader.readexactly(2)
        await reader.readexactly(methods)
        writer.write(b"\x05\x00")
        _, _, _, kind, length = await reader.readexactly(5)
        if kind != 3:
            raise AssertionError("the gate is asked for names only")
        self.names.add((await reader.readexactly(length)).decode())
        port = int.from_bytes(await reader.readexactly(2), "big")
        self.arrived += 1
        if self.arrived >= self.count:
            self._open.set()
        await self._open.wait()
        far = await asyncio.open_connection(ORIGIN, port)
        writer.write(b"\x05\x00\x00\x01" + bytes(6))
        await join((reader, writer), far)


@contextlib.asynccontextmanager
async def gate(count: int = 1) -> AsyncIterator[Gate]:
    """Run a gate that opens when `count` requests have arrived, all for ORIGIN whatever their name."""
    server_gate = Gate(count)
    async with listening(server_gate.serve, "127.0.0.1") as port:
        server_gate.port = port
        yield server_gate


# Replies and banners in the segments that hurt most.


async def _read_socks5(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[int, bytes]:
    _, methods = await reader.readexactly(2)
    await reader.readexactly(methods)
    writer.write(b"\x05\x00")
    length = (await reader.readexactly(5))[4]
    rest = await reader.readexactly(length + 2)
    # A bound address given as a name is the longest reply there is.
    return int.from_bytes(rest[-2:], "big"), b"\x05\x00\x00\x03\xff" + b"n" * 255 + b"\x00\x00"


async def _read_socks4a(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> tuple[int, bytes]:
    head = await reader.readexactly(8)
    await reader.readuntil(b"\0")
    await reader.readuntil(b"\0")
    return int.from_bytes(head[2:4], "big"), b"\x00\x5a" + bytes(6)


async def _read_http(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> tuple[int, bytes]:
    target = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1]
    return int(target.rpartition(b":")[2]), b"HTTP/1.1 200 Connection established\r\nVia: 1.1 eager\r\n\r\n"


EAGER = {"socks5": _read_socks5, "socks4a": _read_socks4a, "http": _read_http}


@contextlib.asynccontextmanager
async def eager(kind: str, said: int) -> AsyncIterator[int]:
    """Run a proxy that waits for `said` bytes from ORIGIN and sends them together with its reply."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        port, reply = await EAGER[kind](reader, writer)
        far = await asyncio.open_connection(ORIGIN, port)
        writer.write(reply + await far[0].readexactly(said))
        await join((reader, writer), far)

    async with listening(serve, "127.0.0.1") as port:
        yield port


@contextlib.asynccontextmanager
async def trickle(server: int, first: int = 600) -> AsyncIterator[int]:
    """Run a relay to a proxy that sends each of the first bytes of its answers by itself."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far = await asyncio.open_connection("127.0.0.1", server)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(send_on(reader, far[1]))
                for _ in range(first):
                    if not (byte := await far[0].read(1)):
                        break
                    writer.write(byte)
                    # Without Nagle's algorithm and with the loop's turn in
                    # between, each byte is a segment of its own.
                    await asyncio.sleep(0)
                await send_on(far[0], writer)
        finally:
            far[1].close()

    async with listening(serve, "127.0.0.1") as port:
        yield port


@contextlib.asynccontextmanager
async def behind(server: int, path: Path) -> AsyncIterator[Path]:
    """Run a relay to a proxy that listens on a Unix socket, as systemd-socket-proxyd is one."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await join((reader, writer), await asyncio.open_connection("127.0.0.1", server))

    async with listening_on(serve, path):
        yield path


# Wrong answers.


class Script:
    """A server that answers each thing it is told with the next of its lines."""

    def __init__(self, answers: Sequence[bytes | None]) -> None:
        self.port = 0
        self.answers = answers
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Speak with one client; the answer None is silence for as long as the client likes."""
        self.connections += 1
        for answer in self.answers:
            if not await reader.read(4096):
                return
            if answer is None:
                await reader.read()
                return
            writer.write(answer)
            await writer.drain()


@contextlib.asynccontextmanager
async def script(*answers: bytes | None) -> AsyncIterator[Script]:
    """Run a server that gives these answers, then closes."""
    server_script = Script(answers)
    async with listening(server_script.serve, "127.0.0.1") as port:
        server_script.port = port
        yield server_script
