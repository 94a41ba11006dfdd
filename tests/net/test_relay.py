"""Bytes carried between two sockets, with what becomes of them."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import random
import socket
import struct
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from proxywrap.net.relay import Relay

from .lending import finish

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RESET = struct.pack("ii", 1, 0)
BUFFER_BYTES = 1 << 18
"""Of each socket; the kernel makes it twice as much."""

ALL_BUFFERS_BYTES = 8 << 20
"""More than four sockets and a pipe hold."""


@pytest.fixture(autouse=True)
def no_leak() -> Iterator[None]:
    """But for the pipes that are kept, every descriptor is closed after a test."""
    before = _sockets()
    yield
    assert _sockets() == before


def _sockets() -> int:
    links = []
    for name in os.listdir("/proc/self/fd"):
        try:
            links.append(os.readlink(f"/proc/self/fd/{name}"))
        except FileNotFoundError:  # the one that lists them
            continue
    return sum(link.startswith("socket:") for link in links)


class Ends:
    """What two peers have of a relay; they are non-blocking."""

    def __init__(self) -> None:
        self.has_ended = asyncio.Event()
        self.left, inner = _pair()
        self.right, outer = _pair()
        self.relay = Relay(inner, outer, self._note)

    def _note(self) -> None:
        assert not self.has_ended.is_set()
        self.has_ended.set()

    async def end(self) -> None:
        """Wait until both inner sockets are closed."""
        await self.has_ended.wait()

    def close(self) -> None:
        """Close the peers."""
        self.left.close()
        self.right.close()


def _pair() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        one = socket.create_connection(listener.getsockname())
        other, _ = listener.accept()
    for sock in (one, other):
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
    return one, other


async def receive_all(sock: socket.socket) -> bytes:
    """Return what comes until the end."""
    loop, data = asyncio.get_running_loop(), bytearray()
    while more := await loop.sock_recv(sock, 1 << 16):
        data += more
    return bytes(data)


async def send_and_end(sock: socket.socket, data: bytes) -> None:
    """Send all of it, and that this was all."""
    await asyncio.get_running_loop().sock_sendall(sock, data)
    sock.shutdown(socket.SHUT_WR)


def test_both_ways_at_once() -> None:
    """What comes out is what went in, to the byte."""

    async def scenario() -> None:
        ends = Ends()
        there, back = random.Random(1).randbytes(8 << 20), random.Random(2).randbytes(3 << 20)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(send_and_end(ends.left, there))
            tasks.create_task(send_and_end(ends.right, back))
            got_right = tasks.create_task(receive_all(ends.right))
            got_left = tasks.create_task(receive_all(ends.left))
        await ends.end()
        ends.close()
        for got, sent in ((got_right, there), (got_left, back)):
            assert hashlib.sha256(got.result()).digest() == hashlib.sha256(sent).digest()

    finish(scenario())


@pytest.mark.parametrize("first", ["left", "right"])
def test_half_close(first: str) -> None:
    """The other direction goes on as long as it likes."""

    async def scenario() -> None:
        ends, loop = Ends(), asyncio.get_running_loop()
        one, other = (ends.left, ends.right) if first == "left" else (ends.right, ends.left)
        await send_and_end(one, b"question")
        assert await receive_all(other) == b"question"
        for _ in range(3):
            await loop.sock_sendall(other, b"answer")
            assert await loop.sock_recv(one, 100) == b"answer"
        assert not ends.has_ended.is_set()
        other.shutdown(socket.SHUT_WR)
        assert await receive_all(one) == b""
        await ends.end()
        ends.close()

    finish(scenario())


def _reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    sock.close()


@pytest.mark.parametrize("resetting", ["left", "right"])
@pytest.mark.parametrize("after", ["nothing", "data", "its own end", "the other's end"])
def test_reset(resetting: str, after: str) -> None:
    """It reaches the other side at once, whatever came before it."""

    async def scenario() -> None:
        ends, loop = Ends(), asyncio.get_running_loop()
        one, other = (ends.left, ends.right) if resetting == "left" else (ends.right, ends.left)
        if after == "data":
            await loop.sock_sendall(one, b"data")
            assert await loop.sock_recv(other, 100) == b"data"
        elif after == "its own end":
            await send_and_end(one, b"")
            assert await loop.sock_recv(other, 100) == b""
        elif after == "the other's end":
            await send_and_end(other, b"")
            assert await loop.sock_recv(one, 100) == b""
        _reset(one)
        await ends.end()
        error = other.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        assert error in {errno.ECONNRESET, errno.EPIPE}
        ends.close()

    finish(scenario())


def test_nobody_reads() -> None:
    """The writer must stop: what is under way is bounded, and comes when it is read."""

    async def scenario() -> None:
        ends, sent = Ends(), 0
        while sent < ALL_BUFFERS_BYTES:
            try:
                sent += ends.left.send(bytes(1 << 16))
            except BlockingIOError:
                before = sent
                await asyncio.sleep(0.05)
                try:
                    sent += ends.left.send(bytes(1 << 16))
                except BlockingIOError:
                    break
                assert sent > before
        assert sent < ALL_BUFFERS_BYTES
        ends.left.shutdown(socket.SHUT_WR)
        assert len(await receive_all(ends.right)) == sent
        ends.right.shutdown(socket.SHUT_WR)
        await ends.end()
        ends.close()

    finish(scenario())


async def _until_stuck(ends: Ends) -> None:
    """Send until the pipe holds what the other side does not take."""
    while True:
        try:
            ends.left.send(bytes(1 << 16))
        except BlockingIOError:
            before = ends.relay.there._pipe
            await asyncio.sleep(0.01)
            if before is not None and before.held:
                return


def test_a_reset_by_who_waits_for_room() -> None:
    """The other side, which takes nothing, is reset too; nothing is kept for it."""

    async def scenario() -> None:
        ends = Ends()
        await _until_stuck(ends)
        _reset(ends.left)
        await ends.end()
        ends.close()

    finish(scenario())


@pytest.mark.parametrize("how", ["abort", "reset"])
def test_an_end_with_bytes_under_way(how: str) -> None:
    """The pipe that holds them is used by no other relay."""

    async def scenario() -> None:
        ends = Ends()
        await _until_stuck(ends)
        if how == "abort":
            ends.relay.abort()
        else:
            _reset(ends.right)
        await ends.end()
        ends.close()
        fresh = Ends()
        await send_and_end(fresh.left, b"fresh")
        assert await receive_all(fresh.right) == b"fresh"
        fresh.relay.abort()
        fresh.close()

    finish(scenario())


def test_a_hundred_at_once() -> None:
    """Nothing but a few pipes is kept of them."""

    def one_way(ends: Ends, at: int) -> Callable[[], None]:
        def end() -> None:
            _reset(ends.left) if at % 2 else ends.left.shutdown(socket.SHUT_WR)
            ends.right.close()

        return end

    async def scenario() -> None:
        with ExitStack() as stack:
            crowd = [Ends() for _ in range(100)]
            for each in crowd:
                stack.callback(each.close)
            loop = asyncio.get_running_loop()
            for at, each in enumerate(crowd):
                await loop.sock_sendall(each.left, b"%d" % at)
            for at, each in enumerate(crowd):
                assert await loop.sock_recv(each.right, 100) == b"%d" % at
            for at, each in enumerate(crowd):
                one_way(each, at)()
            for each in crowd:
                await each.end()

    before = len(os.listdir("/proc/self/fd"))
    finish(scenario())
    assert len(os.listdir("/proc/self/fd")) - before <= 2 * 16
