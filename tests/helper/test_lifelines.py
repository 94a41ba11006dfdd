"""Connections that are kept, over which new ones come: what is served, and what is dropped."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from typing import TYPE_CHECKING

import pytest

from proxywrap.helper import lifelines as module
from proxywrap.helper.lifelines import Lifelines
from proxywrap.protocol.wire import Op, RequestMessage, pack_request

from .asking import finish, make_context

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from proxywrap.helper.session import Session

DEADLINE_S = 10


class Kept:
    """A connection that is kept, and the connections that came over it."""

    def __init__(self) -> None:
        self.context = make_context(lambda _: None)
        self.served: asyncio.Queue[socket.socket] = asyncio.Queue()
        self.lifelines = Lifelines(self.context, self._serve)
        self.peer = self.another()

    def another(self) -> socket.socket:
        """Return the other end of one more."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.lifelines.keep(theirs)
        ours.setblocking(False)
        return ours

    def _serve(self, connection: socket.socket, _session: Session) -> None:
        self.served.put_nowait(connection)

    def send(self, fds: Sequence[int], *, token: bytes | None = None, op: Op = Op.KEEP) -> None:
        """Send a message."""
        request = RequestMessage(op, token=self.context.token if token is None else token)
        socket.send_fds(self.peer, [pack_request(request)], fds)

    async def is_dropped(self) -> bool:
        """Wait for the end of the connection."""
        return await asyncio.get_running_loop().sock_recv(self.peer, 1) == b""


@contextlib.asynccontextmanager
async def kept() -> AsyncIterator[Kept]:
    """Keep one as long as the test lasts."""
    made = Kept()
    made.context.closer.begin(asyncio.get_running_loop())
    async with asyncio.timeout(DEADLINE_S):
        yield made
    made.lifelines.close()
    made.peer.close()


def test_each_message_is_a_connection() -> None:
    """As many as there are."""

    async def scenario() -> None:
        async with kept() as it:
            for text in (b"one", b"two"):
                ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                with ours, theirs:
                    it.send([theirs.fileno()])
                    ours.send(text)
                    with await it.served.get() as served:
                        assert served.recv(10) == text

    finish(scenario())


def test_what_waits_at_the_end_is_served() -> None:
    """At once, without the event loop."""

    async def scenario() -> None:
        async with kept() as it:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with ours, theirs:
                it.send([theirs.fileno()])
                it.lifelines.drain()
                it.served.get_nowait().close()

    finish(scenario())


@pytest.mark.parametrize("wrong", ["token", "op", "nothing", "garbage", "end"])
def test_what_makes_no_sense_ends_it(wrong: str) -> None:
    """Whatever it brought is closed."""

    async def scenario() -> None:
        async with kept() as it:
            reading, writing = os.pipe()
            match wrong:
                case "token":
                    it.send([writing], token=bytes(16))
                case "op":
                    it.send([writing], op=Op.EXEC)
                case "nothing":
                    it.send([])
                case "garbage":
                    socket.send_fds(it.peer, [b"x" * 7], [writing])
                case _:
                    it.peer.shutdown(socket.SHUT_WR)
            os.close(writing)
            assert await it.is_dropped()
            assert await asyncio.to_thread(os.read, reading, 1) == b""
            os.close(reading)

    finish(scenario())


@pytest.mark.parametrize("kind", ["pipe", "inet"])
def test_a_descriptor_of_another_kind_is_closed(kind: str) -> None:
    """And the next one is served."""

    async def scenario() -> None:
        async with kept() as it:
            if kind == "pipe":
                reading, writing = os.pipe()
                it.send([writing])
                os.close(writing)
                assert await asyncio.to_thread(os.read, reading, 1) == b""
                os.close(reading)
            else:
                with socket.socket() as sock:
                    it.send([sock.fileno()])
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with ours, theirs:
                it.send([theirs.fileno()])
                (await it.served.get()).close()

    finish(scenario())


def test_there_is_an_end_to_how_many_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest goes."""

    async def scenario() -> None:
        monkeypatch.setattr(module, "MAX_KEPT", 2)
        async with kept() as it:
            others = [it.another(), it.another()]
            assert await it.is_dropped()
            for other in others:
                other.close()

    finish(scenario())
