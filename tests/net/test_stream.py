"""`ByteIO` over asyncio's streams."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest

from proxywrap.errors import RemoteProtocolError, TruncatedError
from proxywrap.net.stream import StreamIO

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


def with_stream(scenario: Callable[[StreamIO, socket.socket], Awaitable[None]]) -> None:
    """Run `scenario` with a stream and the socket at its other end."""

    async def main() -> None:
        ours, theirs = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=ours)
        with theirs:
            await scenario(StreamIO(reader, writer), theirs)
            writer.close()
            await writer.wait_closed()

    asyncio.run(main())


def test_send_all() -> None:
    """More than a socket's buffer goes out as the peer reads it."""

    async def scenario(io: StreamIO, peer: socket.socket) -> None:
        peer.setblocking(False)
        size = 1 << 20

        async def receive() -> int:
            got = 0
            while got < size:
                got += len(await asyncio.get_running_loop().sock_recv(peer, 1 << 16))
            return got

        async with asyncio.TaskGroup() as group:
            group.create_task(io.send_all(bytes(size)))
            received = group.create_task(receive())
        assert received.result() == size

    with_stream(scenario)


def test_reads_leave_the_rest() -> None:
    """What follows stays for whoever reads the stream next."""

    async def scenario(io: StreamIO, peer: socket.socket) -> None:
        peer.sendall(b"abcd\r\n\r\nrest")
        assert await io.read_exactly(2) == b"ab"
        assert await io.read_until(b"\r\n\r\n", 6) == b"cd\r\n\r\n"
        assert await io.reader.read(100) == b"rest"

    with_stream(scenario)


def test_delimiter_beyond_the_limit() -> None:
    """It fails as soon as the limit is reached, though more may come."""

    async def scenario(io: StreamIO, peer: socket.socket) -> None:
        peer.sendall(b"abcd\r")
        with pytest.raises(RemoteProtocolError, match=r"expected b'\\r\\n' within 5 bytes, got none"):
            await io.read_until(b"\r\n", 5)

    with_stream(scenario)


def test_end_in_the_middle() -> None:
    """Both reads say how much had come."""

    async def exactly(io: StreamIO, peer: socket.socket) -> None:
        peer.sendall(b"ab")
        peer.close()
        with pytest.raises(TruncatedError, match="expected 3 bytes, but the connection was closed after 2"):
            await io.read_exactly(3)

    async def until(io: StreamIO, peer: socket.socket) -> None:
        peer.sendall(b"ab")
        peer.close()
        with pytest.raises(TruncatedError, match="but the connection was closed after 2 bytes"):
            await io.read_until(b"\r\n", 5)

    with_stream(exactly)
    with_stream(until)
