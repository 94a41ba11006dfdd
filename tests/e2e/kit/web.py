"""HTTP/1.1 as the destinations speak it: one request a connection."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

__all__ = ["Answer", "Request", "read_request"]


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asked."""

    method: str
    target: str
    headers: dict[str, str]
    """By their names in lower case."""
    body: bytes

    def wanted(self, size: int) -> range:
        """Return which bytes of `size` a Range header asks for: all of them without one."""
        unit, _, span = self.headers.get("range", "").partition("=")
        first, _, last = span.partition("-")
        if unit != "bytes" or not first:
            return range(size)
        return range(int(first), min(size, int(last) + 1 if last else size))


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client is told."""

    content: bytes
    status: str = "200 OK"
    headers: dict[str, str] = field(default_factory=dict)

    def pack(self) -> bytes:
        """Return the response, which ends the connection."""
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Length": str(len(self.content)),
            "Connection": "close",
            **self.headers,
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"HTTP/1.1 {self.status}\r\n{head}\r\n".encode() + self.content


async def read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request:
    """Read one request whole, with its body; `writer` is for the 100 that some clients wait for.

    Raises:
        asyncio.IncompleteReadError: the client has left.

    """
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ")
    lines = (line.partition(":") for line in head[1:] if line)
    headers = {name.lower(): value.strip() for name, _, value in lines}
    if headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return Request(method, target, headers, await _read_chunks(reader))
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, target, headers, body)


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int(await reader.readline(), 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readexactly(2)
    return body
