r"""The one interpreter of effects: runs a flow over whatever carries bytes.

Theory of operation
-------------------

A flow (`proxywrap.protocol`) says what it needs, a `ByteIO` does it, and `run`
stands between::

    flow                     run                       io
      ---- ReadExactly(2) --->
                              ---- read_exactly(2) ---->
                              <--- b"\x05\x00" ---------
      <--- send(b"\x05\x00") -
      ---- StopIteration --->  its value is returned

What `io` raises is raised inside the flow, at the `yield` that asked for it, so
that a flow can say what it was waiting for. Deadlines and cancellation belong to
the caller: a cancelled `run` closes the flow and leaves the bytes as they are.
"""

from __future__ import annotations

from typing import Protocol, TypeVar, assert_never

from proxywrap.protocol.effects import Effect, Flow, ReadExactly, ReadUntil, Send

__all__ = ["ByteIO", "run"]

T = TypeVar("T")


class ByteIO(Protocol):
    """What a flow's effects are carried out on; it never reads more than asked for."""

    async def send_all(self, data: bytes) -> None:
        """Send all of `data`.

        Raises:
            OSError: the connection is broken.

        """

    async def read_exactly(self, size: int) -> bytes:
        """Read `size` bytes.

        Raises:
            TruncatedError: the peer closed before the last of them.
            OSError: the connection is broken.

        """

    async def read_until(self, delimiter: bytes, limit: int) -> bytes:
        """Read up to and including `delimiter`.

        Raises:
            RemoteProtocolError: `limit` bytes came without it.
            TruncatedError: the peer closed before it.
            OSError: the connection is broken.

        """


async def run(flow: Flow[T], io: ByteIO) -> T:
    """Carry out the effects of `flow` on `io` and return its value.

    Raises:
        ProxyRefused: as the flow does.
        ProtocolError: as the flow does, and `io` unless the flow catches it.
        OSError: as `io` does, unless the flow catches it.

    """
    try:
        effect = next(flow)
        while True:
            try:
                result = await _perform(effect, io)
            except Exception as exc:  # noqa: BLE001 - the flow judges it
                effect = flow.throw(exc)
            else:
                effect = flow.send(result)
    except StopIteration as stop:
        value: T = stop.value
        return value
    finally:
        flow.close()


async def _perform(effect: Effect, io: ByteIO) -> bytes:
    match effect:
        case Send(data):
            await io.send_all(data)
            return b""
        case ReadExactly(size):
            return await io.read_exactly(size)
        case ReadUntil(delimiter, limit):
            return await io.read_until(delimiter, limit)
        case _:
            assert_never(effect)
