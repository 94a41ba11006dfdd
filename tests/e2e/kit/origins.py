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

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

__all__ = [
    "BANNER",
    "ORIGIN",
    "PAYLOAD",
    "PAYLOAD_DIGEST",
    "Origin",
    "banner_first",
    "echo",
    "farewell",
    "http",
]

ORIGIN = "127.0.0.2"
"""Where the destinations listen. Nobody is told this address but the last hop."""

PAYLOAD = random.Random(1928).randbytes(3 * 512 * 1024 + 7)
"""What is downloaded and uploaded: over 1 MiB, and not a multiple of any buffer."""
PAYLOAD_DIGEST = hashlib.sha256(PAYLOAD).hexdigest()

BANNER = b"SSH-2.0-banner_first\r\n" + random.Random(4253).randbytes(70_000)
"""What a server that speaks first says: a line, and more than one read takes."""


class Origin:
    """A running destination."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.connections = 0
        """How many were accepted."""


async def _until_closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


@contextlib.asynccontextmanager
async def _serving(handler: Handler) -> AsyncIterator[Origin]:
    origin = Origin(0)

    async def counted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        origin.connections += 1
        await handler(reader, writer)

    async with listening(counted, ORIGIN) as origin.port:
        yield origin


# HTTP: download, upload, and git's smart protocol by its own CGI program.


async def _read_head(reader: asyncio.StreamReader) -> tuple[str, str, dict[str, str]]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ")
    headers = dict(line.split(": ", 1) for line in head[1:] if line)
    return method, target, {name.lower(): value for name, value in headers.items()}


async def _read_body(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, headers: dict[str, str]
) -> bytes:
    if headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    if headers.get("transfer-encoding", "").lower() != "chunked":
        return await reader.readexactly(int(headers.get("content-length", "0")))
    body = b""
    while size := int(await reader.readline(), 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readexactly(2)
    return body


async def _git(
    root: Path, method: str, target: str, headers: dict[str, str], body: bytes
) -> tuple[str, bytes]:
    path, _, query = target.removeprefix("/git").partition("?")
    environment = {
        "PATH": os.environ["PATH"],
        "GIT_PROJECT_ROOT": str(root),
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": "*",
        "GIT_CONFIG_KEY_1": "http.receivepack",
        "GIT_CONFIG_VALUE_1": "true",
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "CONTENT_TYPE": headers.get("content-type", ""),
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_CONTENT_ENCODING": headers.get("content-encoding", ""),
        "HTTP_GIT_PROTOCOL": headers.get("git-protocol", ""),
        "GIT_PROTOCOL": headers.get("git-protocol", ""),
    }
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        "git", "http-backend", stdin=pipe, stdout=pipe, env=environment
    )
    answer, _ = await process.communicate(body)
    head, _, content = answer.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    status = next((line.removeprefix("Status: ") for line in lines if line.startswith("Status: ")), "200 OK")
    rest = "".join(f"{line}\r\n" for line in lines if not line.startswith("Status: "))
    return f"HTTP/1.1 {status}\r\n{rest}", content


def http(repositories: Path | None = None) -> contextlib.AbstractAsyncContextManager[Origin]:
    """Return a web server: GET / and /bytes, PUT or POST /digest, and git under /git/."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        method, target, headers = await _read_head(reader)
        body = await _read_body(reader, writer, headers)
        head, content = "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n", b"it works\n"
        if target.startswith("/git/") and repositories is not None:
            head, content = await _git(repositories, method, target, headers, body)
        elif target == "/bytes":
            content = PAYLOAD
        elif target == "/digest":
            content = hashlib.sha256(body).hexdigest().encode()
        writer.write(f"{head}Content-Length: {len(content)}\r\nConnection: close\r\n\r\n".encode() + content)
        await _until_closed(writer)

    return _serving(handle)


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
        await _until_closed(writer)

    return _serving(handle)


def banner_first() -> contextlib.AbstractAsyncContextManager[Origin]:
    """Return a server that says BANNER before it is asked anything, then echoes."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sock: socket.socket = writer.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        writer.write(BANNER)
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        await _until_closed(writer)

    return _serving(handle)


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
        await _until_closed(writer)

    return _serving(handle)
