"""The interpreter of effects."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from playbook import MemoryIO, play

from proxywrap.errors import RemoteProtocolError, TruncatedError
from proxywrap.net.driver import run
from proxywrap.protocol.effects import ReadExactly, ReadUntil, Send

if TYPE_CHECKING:
    from proxywrap.protocol.effects import Flow


def dialogue() -> Flow[tuple[bytes, bytes]]:
    """Use every effect."""
    yield Send(b"hello")
    size = (yield ReadExactly(1))[0]
    body = yield ReadExactly(size)
    line = yield ReadUntil(b"\r\n", 10)
    return body, line


@pytest.mark.parametrize("piece", [1, 2, 100])
def test_effects_are_carried_out(piece: int) -> None:
    """Each result goes back to the yield that asked for it, and no more is read."""
    outcome = play(dialogue(), b"\x03abcxy\r\nrest", piece)
    assert outcome.result() == (b"abc", b"xy\r\n")
    assert (outcome.sent, outcome.unread) == (b"hello", b"rest")


def test_flow_without_effects() -> None:
    """A flow may have nothing to ask for."""

    def flow() -> Flow[int]:
        yield from ()
        return 7

    assert play(flow(), b"").result() == 7


def test_errors_of_io_reach_the_flow() -> None:
    """The flow may catch them at its yield, and go on."""

    def flow() -> Flow[str]:
        try:
            yield ReadExactly(1)
        except TruncatedError:
            yield Send(b"bye")
            return "caught"
        return "read"

    outcome = play(flow(), b"")
    assert outcome.result() == "caught"
    assert outcome.sent == b"bye"


def test_errors_of_io_leave_the_flow() -> None:
    """What the flow does not catch reaches the caller."""
    with pytest.raises(TruncatedError):
        play(dialogue(), b"\x03ab").result()
    with pytest.raises(RemoteProtocolError):
        play(dialogue(), b"\x01a" + b"x" * 20).result()


def test_errors_of_the_flow_reach_the_caller() -> None:
    """Its own errors too."""

    def flow() -> Flow[None]:
        yield Send(b"x")
        raise RemoteProtocolError("expected this")

    with pytest.raises(RemoteProtocolError, match="expected this"):
        play(flow(), b"").result()


def test_cancelling_closes_the_flow() -> None:
    """A deadline ends a flow at its yield, and its clean-up runs."""
    closed = []

    def flow() -> Flow[None]:
        try:
            yield ReadExactly(1)
        finally:
            closed.append(True)

    class SilentIO(MemoryIO):
        async def read_exactly(self, size: int) -> bytes:
            await asyncio.Event().wait()
            return bytes(size)

    async def scenario() -> None:
        async with asyncio.timeout(0):
            await run(flow(), SilentIO(b"", 1))

    with pytest.raises(TimeoutError):
        asyncio.run(scenario())
    assert closed == [True]
