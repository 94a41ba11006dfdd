"""One way to serve: a handler for each connection, and nothing left of it at the end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

__all__ = ["Handler", "join", "listening", "listening_on", "send_on"]

Handler: TypeAlias = "Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]"


@contextlib.asynccontextmanager
async def listening(handler: Handler, host: str) -> AsyncIterator[int]:
    """Serve on a free port of `host`, which is given, until the block ends and nobody is served any more."""
    with socket.create_server((host, 0), backlog=4096) as sock:
        async with _serving(handler, sock):
            yield sock.getsockname()[1]


@contextlib.asynccontextmanager
async def listening_on(handler: Handler, path: Path) -> AsyncIterator[None]:
    """Serve likewise on a Unix socket, which is gone afterwards."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(path))
        sock.listen(4096)
        async with _serving(handler, sock):
            yield
    os.unlink(path)


@contextlib.asynccontextmanager
async def _serving(handler: Handler, sock: socket.socket) -> AsyncIterator[None]:
    tasks: set[asyncio.Task[None]] = set()

    async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            # A client that leaves early is what some tests are about; its
            # side of the story is told there.
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await handler(reader, writer)
        finally:
            tasks.discard(task)
            writer.close()

    start = asyncio.start_unix_server if sock.family == socket.AF_UNIX else asyncio.start_server
    server = await start(accepted, sock=sock, backlog=4096)
    try:
        yield
    finally:
        server.close()
        pending = list(tasks)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        await server.wait_closed()


async def join(
    near: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    far: tuple[asyncio.StreamReader, asyncio.StreamWriter],
) -> None:
    """Pass on what arrives, both ways, each FIN by itself; then close the far side."""
    try:
        await asyncio.gather(send_on(near[0], far[1]), send_on(far[0], near[1]))
    finally:
        far[1].close()


async def send_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Write what is read, then the FIN."""
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.close()
