"""What is relayed is passed on to its last byte, whoever has ended."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest

from proxywrap.helper.relays import Relays
from proxywrap.net.lent import LentSocket
from proxywrap.net.tunnels import Tunnels
from proxywrap.net.way import Way

from .asking import DEADLINE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from proxywrap.net.carrier import Carrier

MUCH = bytes(range(256)) * (1 << 14)


def finish(coroutine: Coroutine[object, object, None]) -> None:
    """Run a coroutine to its end, which comes soon."""

    async def limited() -> None:
        async with asyncio.timeout(DEADLINE_S):
            await coroutine

    asyncio.run(limited())


def connected() -> tuple[socket.socket, socket.socket]:
    """Return the two ends of a TCP connection, non-blocking."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        one = socket.create_connection(listener.getsockname())
        other, _ = listener.accept()
    one.setblocking(False)
    other.setblocking(False)
    return one, other


async def read_all(sock: socket.socket) -> bytes:
    """Return what comes until the end of the stream."""
    data = b""
    while more := await asyncio.get_running_loop().sock_recv(sock, 1 << 16):
        data += more
    return data


def test_what_was_sent_before_the_end_arrives() -> None:
    """The application has closed; the destination reads later."""

    async def scenario() -> None:
        (app, partner), (ours, theirs) = connected(), connected()
        relays = Relays(Tunnels({}))
        relays.add(partner, Way(LentSocket(ours)))
        with theirs:
            await asyncio.get_running_loop().sock_sendall(app, MUCH)
            app.close()
            async with asyncio.TaskGroup() as group:
                group.create_task(relays.close(DEADLINE_S))
                await asyncio.sleep(0)
                received = group.create_task(read_all(theirs))
            assert received.result() == MUCH

    finish(scenario())


@pytest.mark.parametrize("is_closed", [True, False])
def test_nobody_is_waited_for_for_ever(is_closed: bool) -> None:  # noqa: FBT001
    """A destination that does not read, and an application that does not end, are reset."""

    async def scenario() -> None:
        (app, partner), (ours, theirs) = connected(), connected()
        relays = Relays(Tunnels({}))
        relays.add(partner, Way(LentSocket(ours)))
        with theirs, app:
            with pytest.raises(TimeoutError):  # noqa: PT012 - however much the kernel takes
                async with asyncio.timeout(0.1):
                    while True:
                        await asyncio.get_running_loop().sock_sendall(app, MUCH)
            if is_closed:
                app.close()
            await relays.close(0.01)
            with pytest.raises(ConnectionResetError):
                await read_all(theirs)

    finish(scenario())


def test_an_idle_relay_ends_with_both_sides() -> None:
    """Nothing is left to wait for."""

    async def scenario() -> None:
        (app, partner), (ours, theirs) = connected(), connected()
        relays = Relays(Tunnels({}))
        relays.add(partner, Way(LentSocket(ours)))
        app.close()
        assert await read_all(theirs) == b""
        theirs.close()
        await relays.close(DEADLINE_S)

    finish(scenario())


def test_a_way_that_has_broken_by_now() -> None:
    """Its relay ends while it is made, and is not waited for."""

    class Broken(Way):
        def relay(self, partner: socket.socket, on_end: Callable[[], None]) -> Carrier:
            carrier = super().relay(partner, on_end)
            carrier.abort()
            return carrier

    async def scenario() -> None:
        (app, partner), (ours, theirs) = connected(), connected()
        relays = Relays(Tunnels({}))
        with app, theirs:
            relays.add(partner, Broken(LentSocket(ours)))
            await relays.close(DEADLINE_S)

    finish(scenario())
