"""Connections by ways that stand ready: taken where a socket can be relayed, passed over where it cannot."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from typing import TYPE_CHECKING

import pytest

from proxywrap.config import ChainType, Options
from proxywrap.events import Connected, Event, Failed
from proxywrap.helper.session import Loan
from proxywrap.net.attentive import Stale
from proxywrap.net.connector import Deadlines
from proxywrap.net.way import Way
from proxywrap.protocol.wire import ReplyMessage
from proxywrap.scheme import Scheme
from proxywrap.testing.script import Script
from proxywrap.testing.socksserver import SocksServer

from .asking import (
    DEADLINE_S,
    borrow,
    connect,
    connect_request,
    finish,
    make_attempts,
    make_context,
    pair,
    receive_reply,
    send,
    until,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from proxywrap.helper.attempt import Attempts
    from proxywrap.helper.guide import Guide

USERS = {b"bob": b"secret"}
DEADLINES = Deadlines(DEADLINE_S, DEADLINE_S)
LOOPBACK = "127.0.0.1"


class Stage:
    """A proxy with a password, a destination that speaks first, and a helper to whom ways stand ready."""

    def __init__(self, server: SocksServer, attempts: Attempts, port: int, events: list[Event]) -> None:
        self.server = server
        self.attempts = attempts
        self.port = port
        self.events = events

    @property
    def guide(self) -> Guide:
        """What connects."""
        return self.attempts._guide

    async def fill(self, count: int = 2) -> None:
        """Wait until so many ways stand."""
        await until(lambda: self.standing() == count)

    def standing(self) -> int:
        """Return how many ways stand."""
        reserves = self.guide._ready._reserves
        return sum(len(each._ready) for each in reserves._reserves.values()) if reserves else 0

    async def connect(self, app: socket.socket) -> bool:
        """Connect an application's socket, and talk; return whether it went to the proxy by itself."""
        reply = await connect(self.attempts, connect_request("192.0.2.7", self.port), app)
        assert reply == ReplyMessage()
        app.setblocking(False)
        loop = asyncio.get_running_loop()
        assert await loop.sock_recv(app, 100) == b"hello"
        await loop.sock_sendall(app, b"and back")
        assert await loop.sock_recv(app, 100) == b"and back"
        return self.went_directly(app)

    def went_directly(self, app: socket.socket) -> bool:
        """Tell whether it is the proxy that a socket is connected to."""
        return bool(app.getpeername()[1] == self.server.port)


async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Speak first, and echo."""
    writer.write(b"hello")
    while data := await reader.read(100):
        writer.write(data)
    writer.close()


@contextlib.asynccontextmanager
async def staged(
    options: Options | None = None, schemes: Sequence[Scheme] = (Scheme.SOCKS5,)
) -> AsyncIterator[Stage]:
    """Set one up; nothing of it is left."""
    events: list[Event] = []
    origin = await asyncio.start_server(talk, LOOPBACK, 0)
    port = origin.sockets[0].getsockname()[1]
    async with origin, SocksServer(users=USERS, names={"192.0.2.7": LOOPBACK}) as server:
        urls = [f"{server.url_for(scheme)}?warm=2" for scheme in schemes]
        context = make_context(events.append, urls, options)
        attempts = make_attempts(context)
        try:
            yield Stage(server, attempts, port, events)
        finally:
            attempts._guide.close()
            await attempts._guide.relays.close(DEADLINE_S)
            await server.wait_idle()


@pytest.mark.parametrize("is_blocking", [True, False])
def test_a_way_that_stands_is_taken(is_blocking: bool) -> None:  # noqa: FBT001
    """The first hop's connection was there before the application asked; another one takes its place."""

    async def scenario() -> None:
        async with staged() as stage:
            stage.guide.prepare()
            await stage.fill()
            with socket.socket() as app:
                app.setblocking(is_blocking)
                assert not await stage.connect(app)
            await stage.fill()
            (connected,) = stage.events
            assert isinstance(connected, Connected)

    finish(scenario())


def test_nothing_stands_yet() -> None:
    """The first connection goes by itself, as without the option; the next one need not."""

    async def scenario() -> None:
        async with staged() as stage:
            for is_direct in (True, False):
                with socket.socket() as app:
                    assert await stage.connect(app) == is_direct
                await stage.fill()

    finish(scenario())


@pytest.mark.parametrize("how", ["address", "port", "device", "begun"])
def test_a_socket_that_goes_by_itself(how: str) -> None:
    """One that is bound is somebody's wish, and one that is on its way has it behind it."""

    async def scenario() -> None:
        async with staged() as stage:
            stage.guide.prepare()
            await stage.fill()
            with socket.socket() as app:
                if how == "address":
                    app.bind(("127.0.0.3", 0))
                elif how == "port":
                    app.bind(("", 0))
                elif how == "device":
                    app.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
                with pair() as (ours, theirs):
                    send(theirs, connect_request("192.0.2.7", stage.port), app.fileno())
                    loan = borrow(stage.attempts._context, ours)
                    assert isinstance(loan, Loan)
                    if how == "begun":
                        loan.lent.begin((LOOPBACK, stage.server.port))
                    assert loan.lent.is_anywhere == (how == "device")  # it is the loopback one
                    async with asyncio.TaskGroup() as tasks:
                        tasks.create_task(stage.attempts.connect(loan))
                        assert await receive_reply(theirs) == ReplyMessage()
                is_direct = stage.went_directly(app)
            assert is_direct == (how != "device")
            assert stage.standing() == (2 if is_direct else 1)
            await stage.fill()

    finish(scenario())


def test_a_socket_of_another_network_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    """It cannot be relayed, and reaches its hop from where it is."""

    async def scenario() -> None:
        async with staged() as stage:
            stage.guide.prepare()
            await stage.fill()
            monkeypatch.setattr("proxywrap.net.landing.namespace", lambda _listener: -1)
            with socket.socket() as app:
                assert await stage.connect(app)
            assert stage.standing() == 2

    finish(scenario())


@pytest.mark.parametrize("kind", [ChainType.DYNAMIC, ChainType.ROUND_ROBIN, ChainType.RANDOM])
def test_every_kind_of_chain(kind: ChainType) -> None:
    """Where it is not known which hop is the first one, nothing stands before one was."""

    async def scenario() -> None:
        async with staged(Options(chain_type=kind), [Scheme.SOCKS5, Scheme.HTTP]) as stage:
            stage.guide.prepare()
            assert stage.standing() == 0
            were_direct = []
            for _ in range(20):  # so many that both have been first, where each may be
                with socket.socket() as app:
                    were_direct.append(await stage.connect(app))
                await until(lambda: stage.standing() in {2, 4})
            assert sum(were_direct) == (1 if kind is ChainType.DYNAMIC else 2)

    finish(scenario())


def test_many_at_once() -> None:
    """Two go by the ways that stand, the others by themselves, and nobody waits."""

    async def scenario() -> None:
        async with staged() as stage:
            stage.guide.prepare()
            await stage.fill()
            stage.server.hold(50)
            apps = [socket.socket() for _ in range(50)]
            were_direct = await asyncio.gather(*(stage.connect(app) for app in apps))
            assert sum(were_direct) == 48
            for app in apps:
                app.close()

    finish(scenario())


def test_a_hop_that_had_gone_before_it_was_asked() -> None:
    """Nobody hears of it: the connection is made anew."""

    async def gone(way: Way, *_: object) -> Way:
        way.close()
        raise Stale

    async def scenario() -> None:
        async with staged() as stage:
            stage.guide.prepare()
            await stage.fill()
            stage.guide._maker.extend = gone  # type: ignore[method-assign,assignment]
            with socket.socket() as app:
                assert await stage.connect(app)
            assert len([access for access in stage.server.log if access.host]) == 1
            assert all(isinstance(event, Connected) for event in stage.events)

    finish(scenario())


def test_a_hop_that_says_no_by_hanging_up() -> None:
    """As `ssh -D` does: that is an answer, and it is not asked again."""

    async def scenario() -> None:
        async with staged() as stage:
            stage.server.script = Script(reply=b"")
            stage.guide.prepare()
            await stage.fill()
            stage.server.script = Script()
            with socket.socket() as app:
                reply = await connect(stage.attempts, connect_request("192.0.2.7", stage.port), app)
                assert reply.error == errno.ECONNREFUSED
            assert len([access for access in stage.server.log if access.host]) == 1

    finish(scenario())


def test_a_refusal_is_final() -> None:
    """The destination is asked for once."""

    async def scenario() -> None:
        async with staged() as stage:
            stage.server.script = Script(refuse=errno.EHOSTUNREACH)
            stage.guide.prepare()
            await stage.fill()
            with socket.socket() as app:
                reply = await connect(stage.attempts, connect_request("192.0.2.7", stage.port), app)
                assert reply.error == errno.EHOSTUNREACH
            assert len([access for access in stage.server.log if access.host]) == 1
            (failed,) = stage.events
            assert isinstance(failed, Failed)
            assert not failed.is_chain_fault

    finish(scenario())


def test_an_application_that_gives_up() -> None:
    """The way that it was given is given up with it."""

    async def scenario() -> None:
        async with staged() as stage:
            stage.guide.prepare()
            await stage.fill()
            stage.server.hold()
            with socket.socket() as app, pair() as (ours, theirs):
                send(theirs, connect_request("192.0.2.7", stage.port), app.fileno())
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(stage.attempts.connect(borrow(stage.attempts._context, ours)))
                    await stage.server.wait_for_requests(1)
                    theirs.close()
            await stage.fill()
            stage.server.release()
            await until(lambda: len(stage.server._tasks) == 2)

    finish(scenario())


def test_another_configuration() -> None:
    """Ways to hops that are gone are closed, others have the new deadlines."""

    async def scenario() -> None:
        async with staged() as stage:
            hops = stage.guide._context.router.default.hops
            stage.guide.prepare()
            await stage.fill()
            stage.guide.adopt(Deadlines(DEADLINE_S, 0.05), hops)
            assert stage.standing() == 2
            stage.server.hold()
            with socket.socket() as app:
                reply = await connect(stage.attempts, connect_request("192.0.2.7", stage.port), app)
                assert reply.error == errno.ETIMEDOUT
            stage.server.release()
            stage.guide._ready.adopt(stage.guide._maker, ())
            assert stage.standing() == 0

    finish(scenario())


def test_a_hop_that_cannot_be_kept_ready() -> None:
    """One note for the curious; those who connect hear of it by themselves."""

    async def scenario() -> None:
        events: list[Event] = []
        with socket.socket() as holder:
            holder.bind((LOOPBACK, 0))
            url = f"socks5://bob:secret@{LOOPBACK}:{holder.getsockname()[1]}?warm=2"
            attempts = make_attempts(make_context(events.append, [url]))
            attempts._guide.prepare()
            await until(lambda: events)
            attempts._guide.close()
        (note,) = events
        assert str(note) == (
            f"Note(text='{url.replace('bob:secret', '***').partition('?')[0]}: no connection to it can be "
            "kept ready: cannot be connected to: Connection refused: is it running, and is that its port?')"
        )

    finish(scenario())
