"""Sockets that wait in SYN_SENT, and are joined."""

from __future__ import annotations

import asyncio
import errno
import os
import select
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from proxywrap.net.native import disconnect
from proxywrap.net.parking import Parked, ParkingLot

from .lending import finish

if TYPE_CHECKING:
    from collections.abc import Iterator

SYN_SENT, ESTABLISHED = 2, 1
TCP_FASTOPEN_CONNECT = 30
PATIENCE_S = 1.5
"""By then the kernel has sent the SYN again."""


@pytest.fixture
def lot() -> Iterator[ParkingLot]:
    """Return one that is closed in the end, and leaves nothing open."""
    before = len(os.listdir("/proc/self/fd"))
    lot = ParkingLot()
    yield lot
    lot.close()
    assert len(os.listdir("/proc/self/fd")) == before


def state_of(sock: socket.socket) -> int:
    """Return the state of a TCP socket."""
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]


def non_blocking(family: int = socket.AF_INET) -> socket.socket:
    """Return a socket as an application has one."""
    return socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)


async def check_joined(lot: ParkingLot, app: socket.socket, parked: Parked) -> None:
    """Join it, and send something both ways."""
    assert state_of(app) == SYN_SENT
    assert parked.is_waiting()
    with await lot.join(parked) as partner:
        assert not parked.is_waiting()
        assert select.select([], [app], [], 5)[1] == [app]
        assert app.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
        app.send(b"there")
        assert await asyncio.get_running_loop().sock_recv(partner, 10) == b"there"
        partner.send(b"back")
        assert select.select([app], [], [], 5)[0] == [app]
        assert app.recv(10) == b"back"


OPTIONS = {
    "plain": (),
    "TTL": ((socket.IPPROTO_IP, socket.IP_TTL, 255), (socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, 255)),
    "fastopen": ((socket.IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1),),
    "V6ONLY": ((socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1),),
}


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("bound", [None, "127.0.0.1", "::1", "::ffff:127.0.0.1", "0.0.0.0", "::"])
@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_join(lot: ParkingLot, family: int, bound: str | None, options: str) -> None:
    """Whatever the socket is like, it waits until it is joined, and works then."""
    with non_blocking(family) as app:
        for option in OPTIONS[options]:
            if family == socket.AF_INET6 or option[0] != socket.IPPROTO_IPV6:
                app.setsockopt(*option)
        if bound is not None:
            if (":" in bound) != (family == socket.AF_INET6) or (options == "V6ONLY" and "ffff" in bound):
                return  # it cannot be bound so
            app.bind((bound, 0))
        finish(check_joined(lot, app, lot.park(app)))


def test_hop_limits_that_change_meanwhile(lot: ParkingLot) -> None:
    """No SYN is taken, however far it could have gone."""
    with non_blocking() as app:
        parked = lot.park(app)
        app.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 255)
        assert select.select([app], [app], [app], PATIENCE_S) == ([], [], [])
        finish(check_joined(lot, app, parked))


@pytest.mark.parametrize("limit_s", [0, 5])
def test_a_blocking_socket_is_not_waited_for(lot: ParkingLot, limit_s: int) -> None:
    """Its limit is as before."""
    limit = limit_s.to_bytes(8, "little") + bytes(8)
    with socket.socket() as app:
        app.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        began = time.monotonic()
        parked = lot.park(app)
        assert time.monotonic() - began < 1
        assert app.getsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, 16) == limit
        assert app.getblocking()
        finish(check_joined(lot, app, parked))


def test_flags_that_flicker(lot: ParkingLot) -> None:
    """Nobody waits for a socket that its application makes a blocking one just now."""
    is_over = threading.Event()
    with non_blocking() as app:

        def flicker() -> None:
            while not is_over.is_set():
                os.set_blocking(app.fileno(), True)
                os.set_blocking(app.fileno(), False)

        thread = threading.Thread(target=flicker)
        thread.start()
        began = time.monotonic()
        for _ in range(200):
            with socket.socket(fileno=os.dup(app.fileno())) as same:
                lot.park(same)
                disconnect(same.fileno())
        is_over.set()
        thread.join()
        assert time.monotonic() - began < 15


def test_closed_before(lot: ParkingLot) -> None:
    """It is known to be gone, and joining fails."""
    with non_blocking() as app:
        parked = lot.park(app)
    assert not parked.is_waiting()
    with pytest.raises(ConnectionResetError):
        finish(lot.join(parked))


def test_another_with_the_same_port(lot: ParkingLot) -> None:
    """It is not taken for the one that was closed."""
    with non_blocking() as app:
        app.bind(("127.0.0.1", 0))
        first, address = lot.park(app), app.getsockname()
    with non_blocking() as app:
        app.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        app.bind(address)
        second = lot.park(app)
        assert first[:3] == second[:3]
        assert not first.is_waiting()
        with pytest.raises(ConnectionResetError):
            finish(lot.join(first))
        finish(check_joined(lot, app, second))


def test_two_hundred_at_once(lot: ParkingLot) -> None:
    """Each is joined to its own partner."""

    async def scenario() -> None:
        apps = [non_blocking() for _ in range(200)]
        parked = [lot.park(app) for app in apps]
        partners = await asyncio.gather(*map(lot.join, parked))
        for at, (app, partner) in enumerate(zip(apps, partners, strict=True)):
            partner.send(b"%d" % at)
            assert select.select([app], [], [], 5)[0] == [app]
            assert app.recv(10) == b"%d" % at
            assert partner.getpeername() == app.getsockname()
            partner.close()
            app.close()

    finish(scenario())


def test_a_socket_that_listens(lot: ParkingLot) -> None:
    """The kernel's error is raised."""
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(OSError) as raised:
        lot.park(listener)
    assert raised.value.errno == errno.EISCONN


def test_no_lot_any_more(lot: ParkingLot) -> None:
    """What is parked is refused when its SYN comes again."""
    with non_blocking() as app:
        lot.park(app)
        lot.close()
        assert select.select([], [app], [], 5)[1] == [app]
        assert app.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNREFUSED
