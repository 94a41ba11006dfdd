"""Clients accepted at any moment, the last one too."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import resource
import socket

import pytest

from proxywrap.testing import SocksServer, acceptor
from proxywrap.testing.acceptor import Acceptor

from .destinations import DEADLINE_S


@pytest.mark.parametrize("turns", range(6))
def test_a_client_that_comes_as_the_server_goes(turns: int, caplog: pytest.LogCaptureFixture) -> None:
    """However far it got, it is closed, and nobody hears of it."""

    async def scenario() -> socket.socket:
        async with SocksServer() as server:
            client = socket.create_connection((server.host, server.port))
            for _ in range(turns):
                await asyncio.sleep(0)
        return client

    with asyncio.run(scenario()) as client, contextlib.suppress(ConnectionResetError):
        assert client.recv(1) == b""
    gc.collect()
    assert caplog.records == []


def test_no_descriptor_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client waits until there is one, and the others behind it."""
    monkeypatch.setattr(acceptor, "PAUSE_S", 0.01)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)

    async def scenario() -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        listener.setblocking(False)
        taken: asyncio.Queue[tuple[socket.socket, str]] = asyncio.Queue()
        accepting = Acceptor(listener, lambda *client: taken.put_nowait(client))
        clients = [socket.create_connection(listener.getsockname()) for _ in range(2)]
        free = os.dup(listener.fileno())
        os.close(free)
        resource.setrlimit(resource.RLIMIT_NOFILE, (free, limits[1]))
        try:
            while accepting._pause is None:  # noqa: ASYNC110 - nobody else tells of it
                await asyncio.sleep(0)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        assert taken.empty()
        for client in clients:
            served, origin = await taken.get()
            assert origin == "{}:{}".format(*client.getsockname())
            served.close()
            client.close()
        accepting.close()

    asyncio.run(asyncio.wait_for(scenario(), DEADLINE_S))
