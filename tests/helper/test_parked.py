"""Sockets that are kept waiting, and joined to their ways."""

from __future__ import annotations

import asyncio
import os
import socket
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

import pytest

from proxywrap.helper.guide import Guide
from proxywrap.helper.ledger import Ledger
from proxywrap.helper.nameserver import NameServer
from proxywrap.helper.parked import ParkedConnects
from proxywrap.net import relay
from proxywrap.net.connector import Deadlines
from proxywrap.protocol.sockaddr import Place

if TYPE_CHECKING:
    from proxywrap.helper.context import Context


async def _say_over(context: Context, app: socket.socket, listener: socket.socket) -> bytes:
    """Have `app` wait and be joined, while we look after it all the time; return what arrives of it."""
    place = Place(IPv4Address("127.0.0.1"), listener.getsockname()[1])
    async with asyncio.TaskGroup() as group:
        guide = Guide(context, Deadlines(5, 5), NameServer(context).sockets, group.create_task)
        parked = ParkedConnects(context, guide, Ledger(), {}, group.create_task)
        parked.park(app, os.getpid(), app.fileno(), place, context.router.route(*place[:2]))
        while not parked.is_idle():
            parked.sweep()
            await asyncio.sleep(0)
        loop = asyncio.get_running_loop()
        peer, _ = await loop.sock_accept(listener)
        with peer:
            app.send(b"hello")
            said = await loop.sock_recv(peer, 5)
        parked.close()
    return said


def test_a_socket_that_is_joined_is_not_taken_for_one_that_was_closed(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the moment at which it is connected it is no longer connecting."""
    monkeypatch.setattr(relay, "_SPARE_PIPES", 0)  # for the next relay, which never comes
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as app:
        app.setblocking(False)
        listener.setblocking(False)
        assert asyncio.run(_say_over(context, app, listener)) == b"hello"
