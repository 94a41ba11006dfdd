"""Proxies that do one thing on purpose: hold every answer back, or give a wrong one."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING

from .origins import ORIGIN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

__all__ = ["Gate", "Script", "gate", "script"]


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
        if kind != 3:  # noqa: PLR2004
            raise AssertionError("the gate is asked for names only")
        self.names.add((await reader.readexactly(length)).decode())
        port = int.from_bytes(await reader.readexactly(2), "big")
        self.arrived += 1
        if self.arrived >= self.count:
            self._open.set()
        await self._open.wait()
        far_reader, far_writer = await asyncio.open_connection(ORIGIN, port)
        writer.write(b"\x05\x00\x00\x01" + bytes(6))
        await asyncio.gather(_pass(reader, far_writer), _pass(far_reader, writer))


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.close()


@contextlib.asynccontextmanager
async def gate(count: int = 1) -> AsyncIterator[Gate]:
    """Run a gate that opens when `count` requests have arrived, all for ORIGIN whatever their name."""
    server_gate = Gate(count)
    async with _listening(server_gate.serve) as port:
        server_gate.port = port
        yield server_gate


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
    async with _listening(server_script.serve) as port:
        server_script.port = port
        yield server_script


@contextlib.asynccontextmanager
async def _listening(handler: object) -> AsyncIterator[int]:
    tasks: set[asyncio.Task[None]] = set()

    async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await handler(reader, writer)  # type: ignore[operator]
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # a client that gives up is what some tests are about
        finally:
            tasks.discard(task)
            writer.close()

    with socket.create_server(("127.0.0.1", 0), backlog=4096) as sock:
        server = await asyncio.start_server(accepted, sock=sock, backlog=4096)
        try:
            yield sock.getsockname()[1]
        finally:
            server.close()
            for task in list(tasks):
                task.cancel()
            await server.wait_closed()
