"""The control socket: floods, silence, and no descriptor left."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import socket
import time
from typing import TYPE_CHECKING

import pytest

from proxywrap.events import Event, Note, Shortage
from proxywrap.helper import server as server_module
from proxywrap.helper.server import MAX_SILENT, ControlServer
from proxywrap.protocol.wire import Op, RequestMessage, pack_request, parse_reply

from .asking import (
    TOKEN,
    black_hole,
    carrying_out,
    connect_request,
    finish,
    make_attempts,
    make_context,
    open_descriptors,
    receive_reply,
    send,
    until,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from proxywrap.helper.attempt import Attempts

QUESTION = pack_request(RequestMessage(Op.RESOLVE, token=TOKEN, name=b"www.example.org"))


class Serving:
    """A running server, what it told, and a way to it."""

    def __init__(
        self, address: bytes, attempts: Attempts, events: list[Event], server: ControlServer | None = None
    ) -> None:
        self.address = address
        self.server = server
        self.attempts = attempts
        self.events = events

    def peer(self) -> socket.socket:
        """Return a new connection to it."""
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
        sock.connect(self.address)
        return sock

    def has_silent(self) -> bool:
        """Tell whether somebody has been accepted and found silent."""
        return self.server is not None and bool(self.server._silent)

    async def answers(self) -> bool:
        """Ask a question; return whether it was answered well."""
        with self.peer() as peer:
            send(peer, QUESTION)
            return (await receive_reply(peer)).error == 0


@contextlib.asynccontextmanager
async def serving() -> AsyncIterator[Serving]:
    """Run a server for as long as the test lasts."""
    events: list[Event] = []
    context = make_context(events.append, ["socks5://127.0.0.1:9"])
    attempts = make_attempts(context)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK) as listener:
        listener.bind(b"")
        listener.listen(4096)
        async with asyncio.TaskGroup() as tasks:
            server = ControlServer([listener], context, carrying_out(attempts, tasks))
            server.start()
            try:
                yield Serving(listener.getsockname(), attempts, events, server)
            finally:
                server.stop()
                attempts.cancel()


def test_a_question() -> None:
    """Sent with the connection or a while after it."""

    async def scenario() -> None:
        async with serving() as it:
            assert await it.answers()
            with it.peer() as peer:
                await until(it.has_silent)
                send(peer, QUESTION)
                assert (await receive_reply(peer)).error == 0

    finish(scenario())


def test_several_listeners() -> None:
    """A name and a path, say, are the same server."""

    async def scenario() -> None:
        kind = socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK
        with socket.socket(socket.AF_UNIX, kind) as one, socket.socket(socket.AF_UNIX, kind) as two:
            for listener in (one, two):
                listener.bind(b"")
                listener.listen()
            context = make_context(lambda _: None)
            attempts = make_attempts(context)
            async with asyncio.TaskGroup() as tasks:
                server = ControlServer([one, two], context, carrying_out(attempts, tasks))
                server.start()
                for listener in (one, two):
                    assert await Serving(listener.getsockname(), attempts, []).answers()
                server.stop()

    finish(scenario())


def test_what_waits_in_the_backlog_is_answered() -> None:
    """Requests that came before the server did; more than are taken at a time."""

    async def scenario() -> None:
        with contextlib.ExitStack() as stack:
            kind = socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK
            listener = stack.enter_context(socket.socket(socket.AF_UNIX, kind))
            listener.bind(b"")
            listener.listen(4096)
            context = make_context(lambda _: None)
            attempts = make_attempts(context)
            asked = Serving(listener.getsockname(), attempts, [])
            peers = [stack.enter_context(asked.peer()) for _ in range(server_module.ACCEPT_BATCH * 3)]
            for peer in peers:
                send(peer, QUESTION)
            async with asyncio.TaskGroup() as tasks:
                server = ControlServer([listener], context, carrying_out(attempts, tasks))
                server.start()
                for peer in peers:
                    assert (await receive_reply(peer)).error == 0
                server.stop()

    finish(scenario())


@pytest.mark.case("stranger-silence")
def test_ten_thousand_silent_peers() -> None:
    """The oldest are dropped, the newest wait, and others are served meanwhile."""

    async def scenario() -> None:
        async with serving() as it:
            with contextlib.ExitStack() as stack:
                before = open_descriptors()
                silent = []
                for count in range(10_000):
                    silent.append(it.peer())
                    if len(silent) > MAX_SILENT + 100:
                        silent.pop(0).close()
                    if count % 1000 == 0:
                        assert await it.answers()
                for peer in silent:
                    stack.enter_context(peer)
                assert await it.answers()
                await until(lambda: open_descriptors() <= before + len(silent) + MAX_SILENT)
                assert silent[0].recv(1) == b""
                with pytest.raises(BlockingIOError):
                    silent[-1].recv(1)
                send(silent[-1], QUESTION)
                assert (await receive_reply(silent[-1])).error == 0

    finish(scenario())


@pytest.mark.case("stranger-log-flood")
def test_ten_thousand_noisy_peers() -> None:
    """Garbage costs its sender only, and is told of once."""

    async def scenario() -> None:
        async with serving() as it:
            for count in range(10_000):
                with it.peer() as peer:
                    send(peer, b"garbage")
                if count % 100 == 0:
                    assert await it.answers()
            assert await it.answers()
            assert sum(isinstance(each, Note) for each in it.events) == 1

    finish(scenario())


@contextlib.contextmanager
def no_more_descriptors(spare: int = 0) -> Iterator[None]:
    """Have a process that can open no more than `spare` descriptors."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with open(os.devnull, "rb") as file:
        lowest = file.fileno()
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest + spare, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_no_descriptor_to_accept_with() -> None:
    """The loop does not spin on it, one line is told, once, and later everybody is served."""

    async def scenario() -> None:
        async with serving() as it:
            with it.peer() as peer:
                send(peer, QUESTION)
                with no_more_descriptors():
                    started = time.process_time()
                    await asyncio.sleep(3.5 * server_module.ACCEPT_PAUSE_S)
                    assert time.process_time() - started < server_module.ACCEPT_PAUSE_S
                assert (await receive_reply(peer)).error == 0
            (shortage,) = (each for each in it.events if isinstance(each, Shortage))
            assert "raise the limit (ulimit -n)" in shortage.text

    finish(scenario())


def test_silent_peers_make_room() -> None:
    """Where descriptors are few, whoever asks for nothing is dropped for who does."""

    async def scenario() -> None:
        async with serving() as it:
            with it.peer() as silent, it.peer() as peer, no_more_descriptors(spare=1):
                await until(lambda: _has_ended(silent) or it.events)
                send(peer, QUESTION)
                assert (await receive_reply(peer)).error == 0

    finish(scenario())


def _has_ended(peer: socket.socket) -> bool:
    try:
        return peer.recv(1) == b""
    except BlockingIOError:
        return False


def test_one_attempt_ends_another_goes_on() -> None:
    """A hanging attempt hinders nobody; all end with the server."""

    async def scenario() -> None:
        with black_hole() as hole, socket.socket() as stuck, socket.socket() as app:
            async with serving() as it:
                with it.peer() as hanging, it.peer() as peer:
                    send(hanging, connect_request(*hole), stuck.fileno())
                    await until(lambda: it.attempts._tasks)
                    with socket.create_server(("127.0.0.1", 0)) as listener:
                        send(peer, connect_request("127.0.0.1", listener.getsockname()[1]), app.fileno())
                        assert (await receive_reply(peer)).error == 0
                    with pytest.raises(BlockingIOError):
                        hanging.recv(1)
            assert it.attempts._tasks == {}

    finish(scenario())


def test_stop_drops_the_silent() -> None:
    """Nobody waits for a server that has gone."""

    async def scenario() -> None:
        async with serving() as it:
            peer = it.peer()
            await until(it.has_silent)
        with peer:
            assert await asyncio.get_running_loop().sock_recv(peer, 1) == b""

    finish(scenario())


def test_stop_during_a_pause() -> None:
    """It is not taken up again afterwards."""

    async def scenario() -> None:
        async with serving() as it:
            peer = it.peer()
            with no_more_descriptors():
                await until(lambda: it.events)
        with peer:
            await asyncio.sleep(1.5 * server_module.ACCEPT_PAUSE_S)

    finish(scenario())


def test_replies_are_of_one_packet() -> None:
    """As the shim reads them."""

    async def scenario() -> None:
        async with serving() as it:
            with it.peer() as peer:
                send(peer, QUESTION)
                data = await asyncio.get_running_loop().sock_recv(peer, 10_000)
                assert parse_reply(data).error == 0

    finish(scenario())
