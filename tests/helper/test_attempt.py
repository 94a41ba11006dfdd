"""A lent socket connected, and let go: by the helper, and by an application that has thought better of it."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import select
import socket
from typing import TYPE_CHECKING

import pytest

from proxywrap.events import Connected, Event, Failed
from proxywrap.helper.context import Context
from proxywrap.protocol.wire import Op, ReplyMessage, RequestMessage, pack_request
from proxywrap.testing.script import Script
from proxywrap.testing.socksserver import SocksServer

from .asking import (
    TOKEN,
    ask,
    black_hole,
    borrow,
    connect,
    connect_request,
    finish,
    make_attempts,
    make_context,
    pair,
    send,
    until,
)

if TYPE_CHECKING:
    from proxywrap.helper.attempt import Attempts

ASK = RequestMessage(Op.RESOLVE, token=TOKEN, name=b"www.example.org")


@pytest.fixture
def attempts(context: Context) -> Attempts:
    """Return what carries loans out."""
    return make_attempts(context)


@pytest.mark.parametrize("is_blocking", [True, False])
def test_connect_directly(attempts: Attempts, events: list[Event], is_blocking: bool) -> None:  # noqa: FBT001
    """Loopback is: the reply says so, the copy is closed before it is sent."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as app:
        app.setblocking(is_blocking)
        port = listener.getsockname()[1]
        reply = finish(connect(attempts, connect_request("127.0.0.1", port), app))
        assert reply == ReplyMessage(is_direct=True)
        assert app.getpeername() == listener.getsockname()
        app.close()
        peer, _ = listener.accept()
        with peer:
            assert peer.recv(1) == b""
    (event,) = events
    assert isinstance(event, Connected)
    assert (event.pid, event.hops) == (os.getpid(), ())
    assert attempts._tasks == {}


def test_connect_through_a_proxy(events: list[Event]) -> None:
    """A fake address goes as its name."""

    async def scenario() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as app:
            async with SocksServer(names={"www.example.org": "127.0.0.1"}) as server:
                context = make_context(events.append, [server.url])
                (address,) = ask(context, pack_request(ASK)).addresses
                request = connect_request(str(address), listener.getsockname()[1])
                assert await connect(make_attempts(context), request, app) == ReplyMessage()
                assert server.log[0].host == "www.example.org"
                app.close()
        assert isinstance(events[-1], Connected)

    finish(scenario())


def test_a_failed_connect(attempts: Attempts, events: list[Event]) -> None:
    """The socket is as good as new."""
    with socket.socket() as app, socket.create_server(("127.0.0.1", 0)) as listener:
        assert finish(connect(attempts, connect_request(), app)).error == errno.EHOSTUNREACH
        (event,) = events
        assert isinstance(event, Failed)
        assert (str(event.destination), event.errno) == ("192.0.2.7:80", errno.EHOSTUNREACH)
        assert event.is_chain_fault
        app.connect(listener.getsockname())
    assert attempts._tasks == {}


def test_a_route_that_is_not_there(attempts: Attempts, events: list[Event]) -> None:
    """A fake address that stands for no name."""
    with socket.socket() as app:
        assert finish(connect(attempts, connect_request("198.18.7.7"), app)).error == errno.EHOSTUNREACH
    (event,) = events
    assert isinstance(event, Failed)
    assert not event.is_chain_fault


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_a_failed_connect_shows_in_poll(attempts: Attempts, family: int, host: str) -> None:
    """The kernel itself shows poll an error, for the application is waiting there."""
    with socket.socket(family) as app, socket.socket(family) as holder:
        holder.bind((host, 0))
        attempts._refusing[family] = (host, holder.getsockname()[1])
        app.setblocking(False)
        address = "198.18.7.7" if family == socket.AF_INET else "fd70:726f:7879:7772::7"
        assert finish(connect(attempts, connect_request(address, 80), app)).error == errno.EHOSTUNREACH
        poll = select.poll()
        poll.register(app, select.POLLIN)
        assert poll.poll(0)[0][1] & (select.POLLERR | select.POLLHUP)
        assert app.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNREFUSED


def test_an_error_of_ours_while_connecting(
    context: Context, attempts: Attempts, events: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The attempt fails, the group of attempts goes on."""

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    async def scenario(app: socket.socket) -> None:
        async with asyncio.TaskGroup() as tasks:
            other = tasks.create_task(asyncio.Event().wait())
            reply = await connect(attempts, connect_request(), app)
            assert reply.error == errno.ECONNREFUSED
            assert not other.done()
            other.cancel()

    monkeypatch.setattr(context.router, "route", fail)
    with socket.socket() as app:
        finish(scenario(app))
    assert "ZeroDivisionError" in str(events)
    assert attempts._tasks == {}


def test_a_listening_socket(attempts: Attempts) -> None:
    """What cannot be connected fails as the kernel says."""
    with socket.create_server(("127.0.0.1", 0)) as app, socket.create_server(("127.0.0.1", 0)) as other:
        reply = finish(connect(attempts, connect_request("127.0.0.1", other.getsockname()[1]), app))
        assert reply.error == errno.EISCONN


# ---
# The leash


async def _let_go(attempts: Attempts, address: str, port: int, app: socket.socket, reached: object) -> None:
    """Close the control connection once `reached` is so; the attempt must end for it."""
    with pair() as (ours, theirs):
        send(theirs, connect_request(address, port), app.fileno())
        loan = borrow(attempts._context, ours)
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(attempts.connect(loan))
            assert callable(reached)
            await until(reached)
            theirs.close()
        assert task.cancelled()
        assert ours.fileno() == -1
    assert attempts._tasks == {}


def test_let_go_before_anything_was_done(attempts: Attempts) -> None:
    """The attempt is given up, the socket is disconnected and closed."""
    with black_hole() as hole, socket.socket() as app:
        finish(_let_go(attempts, *hole, app, lambda: True))
        with pytest.raises(OSError, match="not connected"):
            app.getpeername()


def test_let_go_while_connecting(attempts: Attempts) -> None:
    """Likewise; the application may connect it elsewhere."""
    with black_hole() as hole, socket.socket() as app, socket.create_server(("127.0.0.1", 0)) as other:
        finish(_let_go(attempts, *hole, app, lambda: attempts._tasks))
        app.connect(other.getsockname())


def test_let_go_in_the_handshake(events: list[Event]) -> None:
    """The proxy sees the end."""

    async def scenario() -> None:
        async with SocksServer(script=Script(refuse=errno.ECONNREFUSED)) as server:
            server.hold()
            attempts = make_attempts(make_context(events.append, [server.url]))
            with socket.socket() as app:
                await _let_go(attempts, "192.0.2.7", 80, app, lambda: server.log)
                server.release()
                await server.wait_idle()
                with pytest.raises(OSError, match="not connected"):
                    app.getpeername()

    finish(scenario())
    assert events == []


def test_a_second_attempt_waits_for_the_end_of_the_first(attempts: Attempts) -> None:
    """On the same socket: the first is cancelled, the second connects, however many were before."""

    async def scenario(app: socket.socket, hole: tuple[str, int], good: tuple[str, int]) -> None:
        with contextlib.ExitStack() as stack:
            async with asyncio.TaskGroup() as tasks:
                earlier = []
                for count in range(1, 4):
                    ours, theirs = stack.enter_context(pair())
                    send(theirs, connect_request(*hole), app.fileno())
                    loan = borrow(attempts._context, ours)
                    earlier.append(tasks.create_task(attempts.connect(loan)))
                    if count != 2:  # the third comes before the second has done anything
                        await until(lambda: attempts._tasks)
                assert (await connect(attempts, connect_request(*good), app)).error == 0
            assert all(task.cancelled() for task in earlier)

    with black_hole() as hole, socket.socket() as app, socket.create_server(("127.0.0.1", 0)) as listener:
        finish(scenario(app, hole, listener.getsockname()))
        assert app.getpeername() == listener.getsockname()
    assert attempts._tasks == {}
