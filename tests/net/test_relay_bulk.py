"""Much through a relay, and little: not a byte is lost, and no pipe is kept from other programs."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import random
import socket
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from proxywrap.net import relay
from proxywrap.net.relay import Relay

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

BULK = random.Random(793).randbytes(3 << 20) * 3
DEADLINE_S = 20


@pytest.fixture(autouse=True)
def pipes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep no pipe for the next test."""
    spare: list[relay._Pipe] = []
    monkeypatch.setattr(relay._Pipe, "spare", spare)
    monkeypatch.setattr(relay._Pipe, "large", 0)
    yield
    for pipe in spare:
        os.close(pipe.read_end)
        os.close(pipe.write_end)


def tcp_pair() -> tuple[socket.socket, socket.socket]:
    """Return both ends of a connection on loopback, non-blocking."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        near = socket.create_connection(listener.getsockname())
        far, _ = listener.accept()
    near.setblocking(False)
    far.setblocking(False)
    return near, far


def play(scene: Coroutine[None, None, None]) -> None:
    """Run it, for as long as a test may take."""
    asyncio.run(asyncio.wait_for(scene, DEADLINE_S))


async def drain(sock: socket.socket) -> bytes:
    """Return all that comes until the end."""
    loop, pieces = asyncio.get_running_loop(), []
    while piece := await loop.sock_recv(sock, 1 << 18):
        pieces.append(piece)
    return b"".join(pieces)


async def send(sock: socket.socket, data: bytes) -> None:
    """Send it, and the end."""
    await asyncio.get_running_loop().sock_sendall(sock, data)
    sock.shutdown(socket.SHUT_WR)


@pytest.mark.parametrize("data", [BULK, b"little"], ids=["bulk", "little"])
def test_both_directions_at_once(data: bytes) -> None:
    """What went in comes out, each way, and the relay ends by itself."""

    async def scene() -> None:
        application, one = tcp_pair()
        other, destination = tcp_pair()
        is_over = asyncio.Event()
        with application, destination:
            relay = Relay(one, other, is_over.set)
            results = await asyncio.gather(
                send(application, data), send(destination, data), drain(application), drain(destination)
            )
            sent = hashlib.sha256(data).digest()
            assert [hashlib.sha256(got).digest() for got in results[2:]] == [sent, sent]
            await is_over.wait()
            del relay

    play(scene())


def test_small_messages_in_turn() -> None:
    """A message is passed on when it comes, not with the next one."""

    async def scene() -> None:
        loop = asyncio.get_running_loop()
        application, one = tcp_pair()
        other, destination = tcp_pair()
        with application, destination:
            relay = Relay(one, other, lambda: None)
            for at in range(100):
                await loop.sock_sendall(application, b"question %d" % at)
                assert await loop.sock_recv(destination, 100) == b"question %d" % at
                await loop.sock_sendall(destination, b"answer %d" % at)
                assert await loop.sock_recv(application, 100) == b"answer %d" % at
            relay.abort()

    play(scene())


async def until_stalled(stalled: Relay, application: socket.socket) -> None:
    """Send until nothing goes any more: nobody reads at the other end."""
    while True:
        try:
            application.send(BULK)
        except BlockingIOError:
            if stalled.there._pipe or stalled.back._pipe:
                return
            await asyncio.sleep(0)


def test_few_large_pipes(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many relays are stalled, the user's other programs have pipes left; all are given back."""
    sizes: list[int] = []
    make = relay._Pipe.__init__

    def note(pipe: relay._Pipe) -> None:
        make(pipe)
        sizes.append(fcntl.fcntl(pipe.write_end, fcntl.F_GETPIPE_SZ))

    monkeypatch.setattr(relay._Pipe, "__init__", note)

    async def scene() -> None:
        with ExitStack() as stack:
            relays: list[Relay] = []
            for _ in range(24):
                application, one = tcp_pair()
                other, destination = tcp_pair()
                stack.enter_context(application)
                stack.enter_context(destination)
                relays.append(Relay(one, other, lambda: None))
                await until_stalled(relays[-1], application)
            for each in relays:
                each.abort()

    play(scene())
    assert sizes.count(1 << 20) == 16
    assert relay._Pipe.large == 0
