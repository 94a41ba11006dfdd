"""The destinations: servers on the world's loop, each an asynchronous context manager."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import random
import socket
from typing import TYPE_CHECKING

from .listening import Handler, listening
from .web import Answer, Request, read_request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

__all__ = [
    "BANNER",
    "LONG",
    "LONG_DIGEST",
    "ORIGIN",
    "PAYLOAD",
    "PAYLOAD_DIGEST",
    "Origin",
    "banner_first",
    "digest",
    "echo",
    "farewell",
    "http",
    "serving",
    "until_closed",
]


def digest(data: bytes) -> str:
    """Return what tells one content from another."""
    return hashlib.sha256(data).hexdigest()


ORIGIN = "127.0.0.2"
"""Where the destinations listen. Nobody is told this address but the last hop."""

PAYLOAD = random.Random(1928).randbytes(3 * 512 * 1024 + 7)
"""What is downloaded and uploaded: over 1 MiB, and not a multiple of any buffer."""
PAYLOAD_DIGEST = digest(PAYLOAD)
LONG = PAYLOAD * 6
"""For clients that fetch in parts, and those of a megabyte at least."""
LONG_DIGEST = digest(LONG)

BANNER = b"SSH-2.0-banner_first\r\n" + random.Random(4253).randbytes(70_000)
"""What a server that speaks first says: a line, and more than one read takes."""


class Origin:
    """A running destination."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.connections = 0
        """How many were accepted."""


async def until_closed(writer: asyncio.StreamWriter) -> None:
    """Close a connection, and wait until what was written is on its way."""
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


@contextlib.asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[Origin]:
    """Run a destination on ORIGIN that treats each connection as `handler` does."""
    origin = Origin(0)

    async def counted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        origin.connections += 1
        await handler(reader, writer)

    async with listening(counted, ORIGIN) as origin.port:
        yield origin


# HTTP: download, upload, and git's smart protocol by its own CGI program.


async def _git(root: Path, request: Request) -> Answer:
    path, _, query = request.target.removeprefix("/git").partition("?")
    headers = request.headers
    environment = {
        "PATH": os.environ["PATH"],
        "GIT_PROJECT_ROOT": str(root),
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": "*",
        "GIT_CONFIG_KEY_1": "http.receivepack",
        "GIT_CONFIG_VALUE_1": "true",
        "REQUEST_METHOD": request.method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "CONTENT_TYPE": headers.get("content-type", ""),
        "CONTENT_LENGTH": str(len(request.body)),
        "HTTP_CONTENT_ENCODING": headers.get("content-encoding", ""),
        "HTTP_GIT_PROTOCOL": headers.get("git-protocol", ""),
        "GIT_PROTOCOL": headers.get("git-protocol", ""),
    }
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        "git", "http-backend", stdin=pipe, stdout=pipe, env=environment
    )
    answer, _ = await process.communicate(request.body)
    head, _, content = answer.partition(b"\r\n\r\n")
    said = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
    return Answer(content, said.pop("Status", "200 OK"), said)


def http(repositories: Path | None = None) -> contextlib.AbstractAsyncContextManager[Origin]:
    """Return a web server: GET /, /bytes and /long (or a part), PUT or POST /digest, git under /git/."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await read_request(reader, writer)
        answer = Answer(b"it works\n")
        if request.target.startswith("/git/") and repositories is not None:
            answer = await _git(repositories, request)
        elif request.target == "/bytes":
            answer = _part(PAYLOAD, request)
        elif request.target == "/long":
            answer = _part(LONG, request)
        elif request.target == "/digest":
            answer = Answer(digest(request.body).encode())
        writer.write(answer.pack())
        await until_closed(writer)

    return serving(handle)


def _part(content: bytes, request: Request) -> Answer:
    size = len(content)
    part = request.wanted(size)
    if len(part) == size:
        return Answer(content, headers={"Accept-Ranges": "bytes"})
    span = {"Content-Range": f"bytes {part.start}-{part.stop - 1}/{size}"}
    return Answer(content[part.start : part.stop], "206 Partial Content", span)


# Plain TCP.


def echo() -> contextlib.AbstractAsyncContextManager[Origin]:
    """Return a server that echoes until the client's FIN, or until PAYLOAD's number of bytes.

    The count is for proxies that do not pass on a FIN in one direction alone (microsocks, tinyproxy).
    """

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        remaining = len(PAYLOAD)
        while remaining and (data := await reader.read(65536)):
            remaining -= len(data)
            writer.write(data)
            await writer.drain()
        await until_closed(writer)

    return serving(handle)


def banner_first() -> contextlib.AbstractAsyncContextManager[Origin]:
    """Return a server that says BANNER before it is asked anything, then echoes."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sock: socket.socket = writer.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        writer.write(BANNER)
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        await until_closed(writer)

    return serving(handle)


def farewell() -> contextlib.AbstractAsyncContextManager[Origin]:
    """Return a server that answers a second connection when the first has sent its FIN.

    The first sends `mark NAME`, the second `gone NAME`; the answer is what came
    after the mark, in hex, and a line feed.
    """
    ended: dict[bytes, asyncio.Future[bytes]] = {}

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        verb, _, name = (await reader.readline()).strip().partition(b" ")
        future = ended.setdefault(name, asyncio.get_running_loop().create_future())
        if verb == b"mark":
            future.set_result(await reader.read())
        else:
            writer.write((await future).hex().encode() + b"\n")
        await until_closed(writer)

    return serving(handle)
