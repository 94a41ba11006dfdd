"""Where one asks for the configuration to be read anew: who may, and what is said."""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from proxywrap.helper.admin import MAX_WAITING, AdminServer
from proxywrap.helper.reload import Reloader
from proxywrap.reading import load_config

from .asking import DEADLINE_S

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ME = str(os.getpid())


@contextmanager
def serving(tmp_path: Path) -> Iterator[bytes]:
    """Serve for a file; yield the address."""
    path = tmp_path / "a.conf"
    path.write_text("[ProxyList]\nhttp a 1\n")
    reloader = Reloader(load_config(str(path)), lambda _: None, lambda _: None)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK) as listener:
        listener.bind(b"")
        listener.listen()
        server = AdminServer(listener, reloader, {os.getpid(), 7}, "7 (curl)")
        yield listener.getsockname()
        server.close()


async def ask(address: bytes, request: bytes) -> bytes:
    """Return the answer to a request."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK) as peer:
        peer.connect(address)
        await loop.sock_sendall(peer, request)
        return await asyncio.wait_for(loop.sock_recv(peer, 1000), DEADLINE_S)


@pytest.mark.parametrize(
    "request_", [b"reload", b"reload 7", f"reload 1 {ME}".encode()], ids=["all", "helper", "several"]
)
def test_whoever_is_meant_answers(tmp_path: Path, request_: bytes) -> None:
    """All, or by one of its process ids."""

    async def run() -> None:
        with serving(tmp_path) as address:
            assert await ask(address, request_) == f"+7 (curl): {tmp_path}/a.conf: read anew".encode()
            (tmp_path / "a.conf").write_text("frob\n")
            expected = f"-7 (curl): {tmp_path}/a.conf:1: expected an option, found 'frob'; what was in effect"
            assert (await ask(address, request_)).decode().startswith(expected)

    asyncio.run(run())


@pytest.mark.parametrize("request_", [b"reload 8", b"reload x", b"reloaded", b"x" * 5000])
def test_others_and_nonsense_are_not_answered(tmp_path: Path, request_: bytes) -> None:
    """The connection is closed, and the next one is served."""

    async def run() -> None:
        with serving(tmp_path) as address:
            assert await ask(address, request_) == b""
            assert (await ask(address, b"reload")).startswith(b"+")

    asyncio.run(run())


def test_silent_peers_are_dropped(tmp_path: Path) -> None:
    """The oldest first, when there are too many."""

    async def run() -> None:
        loop = asyncio.get_running_loop()
        with serving(tmp_path) as address:
            peers = []
            for _ in range(MAX_WAITING + 1):
                peer = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
                peer.connect(address)
                peers.append(peer)
            assert await asyncio.wait_for(loop.sock_recv(peers[0], 1), DEADLINE_S) == b""
            await loop.sock_sendall(peers[1], b"reload")
            assert (await asyncio.wait_for(loop.sock_recv(peers[1], 1000), DEADLINE_S)).startswith(b"+")
            for peer in peers:
                peer.close()

    asyncio.run(run())
