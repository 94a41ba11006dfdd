"""Runs flows on plain bytes: whole, byte by byte, truncated, and with bytes that must stay unread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from proxywrap.errors import ProxyRefused, RemoteProtocolError, TruncatedError
from proxywrap.net.driver import run

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from proxywrap.protocol.effects import Flow

__all__ = ["TRAILING", "MemoryIO", "Outcome", "arrives", "play", "truncates"]

T = TypeVar("T")

TRAILING = b"SSH-2.0-banner\r\n\r\n\0\r\n"
"""What a destination says first; it holds every delimiter that a flow looks for."""


@dataclass
class Outcome(Generic[T]):
    """What a flow came to: its value or error, what it sent, and what it left."""

    value: T | None
    error: Exception | None
    sent: bytes
    unread: bytes

    def result(self) -> T | None:
        """Return the value, or raise the error."""
        if self.error is not None:
            raise self.error
        return self.value


class MemoryIO:
    """A `ByteIO` over `incoming`, which arrives in pieces of `piece` bytes and then ends."""

    def __init__(self, incoming: bytes, piece: int) -> None:
        self.arriving = incoming
        self.piece = piece
        self.buffer = b""
        self.sent = b""

    @property
    def unread(self) -> bytes:
        """What nobody has read."""
        return self.buffer + self.arriving

    async def send_all(self, data: bytes) -> None:
        """Remember `data`."""
        assert data, "a flow sends nothing empty"
        self.sent += data

    async def read_exactly(self, size: int) -> bytes:
        """Read `size` bytes."""
        assert size > 0, "a flow asks for one byte at least"
        return self._take_when(lambda: size if len(self.buffer) >= size else 0)

    async def read_until(self, delimiter: bytes, limit: int) -> bytes:
        """Read up to and including `delimiter`."""

        def end() -> int:
            found = self.buffer.find(delimiter, 0, limit)
            if found < 0 and len(self.buffer) >= limit:
                raise RemoteProtocolError("no delimiter within the limit")
            return found + len(delimiter) if found >= 0 else 0

        return self._take_when(end)

    def _take_when(self, end: Callable[[], int]) -> bytes:
        while not end():
            if not self.arriving:
                raise TruncatedError("the end of what arrives", received=len(self.buffer))
            self.buffer += self.arriving[: self.piece]
            self.arriving = self.arriving[self.piece :]
        size = end()
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data


def _finish(coroutine: Coroutine[object, object, T]) -> T:
    """Run what never waits, without the price of an event loop."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        value: T = stop.value
        return value
    raise AssertionError("MemoryIO never waits")


def play(flow: Flow[T], incoming: bytes, piece: int = 1 << 20) -> Outcome[T]:
    """Run `flow` against `incoming`, arriving in pieces of `piece` bytes."""
    io = MemoryIO(incoming, piece)
    try:
        value = _finish(run(flow, io))
    except Exception as exc:  # noqa: BLE001 - the tests look at it
        return Outcome(None, exc, io.sent, io.unread)
    return Outcome(value, None, io.sent, io.unread)


def arrives(make: Callable[[], Flow[T]], incoming: bytes, sends: bytes) -> T | None:
    """Check a flow whole, byte by byte, and followed by bytes that it must leave; return its value.

    Args:
        make: gives a fresh flow.
        incoming: what the peer sends in the whole dialogue.
        sends: what the flow must have sent at the end.

    """
    whole = play(make(), incoming)
    for outcome in (
        whole,
        play(make(), incoming, piece=1),
        play(make(), incoming + TRAILING),
        play(make(), incoming + TRAILING, piece=1),
    ):
        outcome.result()
        assert outcome.value == whole.value
        assert outcome.sent == sends
        assert outcome.unread in {b"", TRAILING}
    assert play(make(), incoming + TRAILING).unread == TRAILING
    return whole.value


def truncates(make: Callable[[], Flow[object]], incoming: bytes) -> None:
    """Check that every true prefix of `incoming` ends in `TruncatedError`, or a refusal that comes of it."""
    for size in range(len(incoming)):
        error = play(make(), incoming[:size]).error
        assert isinstance(error.__cause__ if isinstance(error, ProxyRefused) else error, TruncatedError)
