"""Parked sockets, from connect(2) to their end."""

from __future__ import annotations

import asyncio
import errno
import os
import select
import socket
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

import pytest

from proxywrap.address import Endpoint
from proxywrap.helper.guide import Guide
from proxywrap.helper.ledger import Ledger
from proxywrap.helper.nameserver import NameServer
from proxywrap.helper.parked import ParkedConnects, Waiting
from proxywrap.helper.relays import Relays
from proxywrap.net.connector import Deadlines
from proxywrap.net.hopnames import HopNames
from proxywrap.net.tunnels import Tunnels
from proxywrap.protocol.sockaddr import Place
from proxywrap.testing.script import Script
from proxywrap.testing.socksserver import SocksServer

from .asking import DEADLINE_S, finish, make_context, until

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from proxywrap.helper.context import Context

FAR = Place(IPv4Address("192.0.2.7"), 80)


@pytest.fixture(autouse=True)
def no_pipes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep no pipe of a relay for the next one, and take none that is kept."""
    monkeypatch.setattr("proxywrap.net.relay._Pipe.spare", [])
    monkeypatch.setattr("proxywrap.net.relay._SPARE_PIPES", 0)


class Stage:
    """What parks sockets, and the proxy behind it."""

    def __init__(self, server: SocksServer) -> None:
        self.context = make_context(lambda _event: None, [server.url])
        self.names = NameServer(self.context)
        self.ledger = Ledger()
        self.keeper = socket.socket()
        self.keeper.bind(("127.0.0.1", 0))
        self.relays = Relays(Tunnels({}))
        deadlines = Deadlines(DEADLINE_S, DEADLINE_S)
        spawn = asyncio.get_running_loop().create_task
        self.parked = ParkedConnects(
            self.context,
            Guide(self.context, deadlines, self.names.sockets, self.relays, HopNames(), spawn),
            self.ledger,
            {socket.AF_INET: self.keeper.getsockname()},
            asyncio.get_running_loop().create_task,
        )

    def park(self, app: socket.socket, process: int = 0) -> tuple[Waiting, list[int]]:
        """Have a socket of ours, or of a process, wait; return where its end is told."""
        told: list[int] = []
        who = process or os.getpid()
        route = self.context.router.route(FAR.address, FAR.port)
        waiting = self.parked.park(app, who, who, app.fileno(), FAR, route)
        waiting.on_end.append(told.append)
        return waiting, told

    async def close(self) -> None:
        """End everything."""
        self.parked.close()
        await until(self.parked.is_idle)
        self.names.close()
        self.keeper.close()


def play(
    scenario: Callable[[Stage], Coroutine[object, object, None]], *, script: Script | None = None
) -> None:
    """Run it with a proxy, which leads to an echo server."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.read(100))
        writer.close()

    async def main() -> None:
        origin = await asyncio.start_server(echo, "127.0.0.1", 0)
        port = origin.sockets[0].getsockname()[1]
        names = {str(FAR.address): Endpoint(IPv4Address("127.0.0.1"), port)}
        async with SocksServer(names=names, script=script) as server:
            stage = Stage(server)
            await scenario(stage)
            await stage.close()
        origin.close()
        await origin.wait_closed()

    finish(main())


def non_blocking() -> socket.socket:
    """Return a socket as an application has one."""
    return socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)


def test_a_way_that_is_found() -> None:
    """The application finds itself connected, and talks to the destination."""

    async def scenario(stage: Stage) -> None:
        loop = asyncio.get_running_loop()
        with non_blocking() as app:
            waiting, told = stage.park(app)
            assert stage.parked.find(os.fstat(app.fileno()).st_ino) is waiting
            await until(stage.parked.is_idle)
            assert told == [0]
            await loop.sock_sendall(app, b"question")
            assert await loop.sock_recv(app, 100) == b"question"
            assert await loop.sock_recv(app, 100) == b""
        await until(lambda: not stage.relays._carriers)

    play(scenario)


@pytest.mark.parametrize("holder", ["itself", "another number", "a process that is not the one which called"])
def test_a_way_that_is_not(holder: str) -> None:
    """Whoever has the socket by then finds that it has failed, and the errno is kept for it."""

    async def scenario(stage: Stage) -> None:
        app = non_blocking()
        _waiting, told = stage.park(app, os.getppid() if "process" in holder else os.getpid())
        if holder != "itself":
            app, first = socket.socket(fileno=os.dup(app.fileno())), app
            first.close()
        await until(stage.parked.is_idle)
        assert told == [errno.EHOSTUNREACH]
        assert select.select([], [app], [], DEADLINE_S)[1] == [app]
        entry = stage.ledger.find(app)
        assert entry is not None
        assert (entry.has_failed, entry.error) == (True, errno.EHOSTUNREACH)
        assert app.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNREFUSED
        app.close()

    play(scenario, script=Script(refuse=errno.EHOSTUNREACH))


def test_closed_meanwhile() -> None:
    """The next sweep abandons it; whoever waits is told that it was broken off."""

    async def scenario(stage: Stage) -> None:
        app = non_blocking()
        _waiting, told = stage.park(app)
        app.close()
        stage.parked.sweep()
        await until(stage.parked.is_idle)
        assert told == [errno.ECONNABORTED]

    play(scenario)


@pytest.mark.parametrize("how", ["shutdown", "close"])
def test_the_same_place_again(how: str) -> None:
    """The way of an earlier connect() never leads to a later one's socket."""

    async def scenario(stage: Stage) -> None:
        app = non_blocking()
        app.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        app.bind(("127.0.0.1", 0))
        address = app.getsockname()
        _first, told = stage.park(app)
        if how == "shutdown":
            app.shutdown(socket.SHUT_RDWR)
        else:
            app.close()
            app = non_blocking()
            app.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            app.bind(address)
        second, told_again = stage.park(app)
        assert stage.parked.find(os.fstat(app.fileno()).st_ino) is second
        await until(lambda: told and told_again)
        assert (told, told_again) == ([errno.ECONNABORTED], [0])
        app.close()
        await until(lambda: not stage.relays._carriers)

    play(scenario)


async def _say_over(context: Context, app: socket.socket, listener: socket.socket) -> bytes:
    """Have `app` wait and be joined, while we look after it all the time; return what arrives of it."""
    place = Place(IPv4Address("127.0.0.1"), listener.getsockname()[1])
    async with asyncio.TaskGroup() as group:
        relays, names = Relays(Tunnels({})), HopNames()
        guide = Guide(context, Deadlines(5, 5), NameServer(context).sockets, relays, names, group.create_task)
        parked = ParkedConnects(context, guide, Ledger(), {}, group.create_task)
        parked.park(app, os.getpid(), os.getpid(), app.fileno(), place, context.router.route(*place[:2]))
        while not parked.is_idle():
            parked.sweep()
            await asyncio.sleep(0)
        loop = asyncio.get_running_loop()
        peer, _ = await loop.sock_accept(listener)
        with peer:
            app.send(b"hello")
            said = await loop.sock_recv(peer, 5)
        parked.close()
        await relays.close(0)
    return said


def test_a_socket_that_is_joined_is_not_taken_for_one_that_was_closed(
    context: Context,
) -> None:
    """From the moment at which it is connected it is no longer connecting."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as app:
        app.setblocking(False)
        listener.setblocking(False)
        assert asyncio.run(_say_over(context, app, listener)) == b"hello"
