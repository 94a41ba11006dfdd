"""The relay between two streams."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from proxywrap.net.stream import StreamIO
from proxywrap.testing.accesslog import Access
from proxywrap.testing.relay import relay

from .destinations import DEADLINE_S, LOOPBACK

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

MEBIBYTE = 1 << 20


@dataclass
class Ends:
    """The two outer ends of a relay that runs, and its count."""

    client: StreamIO
    destination: StreamIO
    access: Access


async def _pair() -> tuple[StreamIO, StreamIO]:
    with socket.create_server((str(LOOPBACK), 0)) as listener:
        near = socket.create_connection(listener.getsockname())
        far, _ = listener.accept()
    return StreamIO(*await asyncio.open_connection(sock=near)), StreamIO(
        *await asyncio.open_connection(sock=far)
    )


@contextlib.asynccontextmanager
async def relaying() -> AsyncIterator[Ends]:
    """Run a relay; it must have ended when the block does."""
    client, client_inside = await _pair()
    destination, destination_inside = await _pair()
    access = Access(0.0, "")
    async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as group:
        group.create_task(relay(client_inside, destination_inside, access))
        yield Ends(client, destination, access)
    for io in (client, destination):
        io.writer.close()
        with contextlib.suppress(OSError):
            await io.writer.wait_closed()


def run_with_relay(scenario: Callable[[Ends], Awaitable[None]]) -> Access:
    """Run `scenario` with a relay and return its count."""

    async def main() -> Access:
        async with relaying() as ends:
            await scenario(ends)
        return ends.access

    return asyncio.run(main())


def test_bytes_both_ways() -> None:
    """Both directions are carried at once, each to its end, and counted."""

    async def scenario(ends: Ends) -> None:
        async def send(io: StreamIO, size: int) -> None:
            await io.send_all(bytes(size))
            io.writer.write_eof()

        async with asyncio.TaskGroup() as group:
            group.create_task(send(ends.client, MEBIBYTE))
            group.create_task(send(ends.destination, 2 * MEBIBYTE))
            arrived = group.create_task(ends.destination.reader.read())
            returned = group.create_task(ends.client.reader.read())
        assert (len(arrived.result()), len(returned.result())) == (MEBIBYTE, 2 * MEBIBYTE)

    access = run_with_relay(scenario)
    assert (access.sent_bytes, access.received_bytes) == (MEBIBYTE, 2 * MEBIBYTE)


def test_one_direction_ends_first() -> None:
    """An end is passed on while the other direction goes on."""

    async def scenario(ends: Ends) -> None:
        ends.client.writer.write_eof()
        assert await ends.destination.reader.read() == b""
        await ends.destination.send_all(b"still here")
        assert await ends.client.read_exactly(10) == b"still here"
        ends.destination.writer.write_eof()
        assert await ends.client.reader.read() == b""

    run_with_relay(scenario)


@pytest.mark.parametrize("is_client", [True, False])
def test_reset_is_passed_on(is_client: bool) -> None:  # noqa: FBT001
    """Whichever side resets, the other sees a reset."""

    async def scenario(ends: Ends) -> None:
        resetting, seeing = ends.client, ends.destination
        if not is_client:
            resetting, seeing = seeing, resetting
        sock = resetting.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        resetting.writer.transport.abort()
        with pytest.raises(ConnectionResetError):
            await seeing.reader.read()

    run_with_relay(scenario)


def test_reset_after_one_direction_ended() -> None:
    """A client that asked, ended its direction and then gave up is still passed on."""

    async def flood(io: StreamIO) -> None:
        while True:
            await io.send_all(bytes(MEBIBYTE))

    async def scenario(ends: Ends) -> None:
        ends.client.writer.write_eof()
        assert await ends.destination.reader.read() == b""
        sock = ends.client.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        ends.client.writer.transport.abort()
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            await flood(ends.destination)

    run_with_relay(scenario)
