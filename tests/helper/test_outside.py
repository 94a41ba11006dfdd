"""Servers on ports of this host: looked for as seldom as may be, for a client may connect often."""

from __future__ import annotations

import os
import socket
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from proxywrap.address import Endpoint
from proxywrap.events import Event, Outside
from proxywrap.helper import context as shared
from proxywrap.helper import listeners, outside
from proxywrap.helper.listeners import listener_at

from .asking import make_context

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from proxywrap.helper.context import Context

LOOPBACK = IPv4Address("127.0.0.1")
INIT = 1


class Looks:
    """Stands in for looking through the processes: counts, and says who holds each listener.

    `among` are the processes that were to be looked at each time, None for all.
    """

    def __init__(self, holders: list[int]) -> None:
        self.holders = holders
        self.among: list[Iterable[int] | None] = []

    def __call__(self, _inode: int, among: Iterable[int] | None = None) -> Iterator[int]:
        """Yield them."""
        self.among.append(among)
        yield from self.holders


def made(
    monkeypatch: pytest.MonkeyPatch, client: str, holders: list[int]
) -> tuple[Context, list[Event], Looks]:
    """Return what sessions share, what is told, and the looks; all clients are called `client`."""
    events: list[Event] = []
    looks = Looks(holders)
    monkeypatch.setattr(listeners, "holders_of", looks)
    monkeypatch.setattr(outside, "program_names", lambda _pid: (client,))
    return make_context(events.append), events, looks


def ask(context: Context, server: socket.socket) -> None:
    """Look as when this process connects to a server."""
    outside.look_at_port(context, os.getpid(), Endpoint(LOOPBACK, server.getsockname()[1]))


def test_a_service_is_told_of_and_not_looked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever else it listens."""
    context, events, looks = made(monkeypatch, "bazel", [INIT])
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        for server in (one, one, other):
            ask(context, server)
    assert [event.server for event in events if isinstance(event, Outside)] == ["bazel"]
    assert len(looks.among) == 1


def test_each_listener_of_ours_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that takes the same port later is another."""
    context, events, looks = made(monkeypatch, "bazel", [os.getpid()])
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        for _ in range(100):
            ask(context, server)
    assert len(looks.among) == 1
    with socket.create_server(address) as server:
        ask(context, server)
    assert len(looks.among) == 2
    assert events == []


def test_no_process_is_looked_at_for_a_database(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Gradle's files name its daemons: only they are looked at, once for each listener."""
    monkeypatch.setattr(listeners, "directory_of", lambda _client, _service: tmp_path)
    (tmp_path / "daemon" / "8.5").mkdir(parents=True)
    for name in ("1", "x", "7.old"):
        (tmp_path / "daemon" / "8.5" / f"daemon-{name}.out.log").touch()
    context, events, looks = made(monkeypatch, "java", [])
    with socket.create_server(("127.0.0.1", 0)) as server:
        for _ in range(100):
            ask(context, server)
    assert looks.among == [[INIT]]
    assert events == []


def test_what_is_remembered_of_listeners_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest are forgotten."""
    monkeypatch.setattr(shared, "MAX_PASSED", 2)
    context, _, looks = made(monkeypatch, "bazel", [os.getpid()])
    servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    for server in (*servers, servers[2], servers[0]):
        ask(context, server)
    assert (len(context.listeners_passed), len(looks.among)) == (2, 4)
    for server in servers:
        server.close()


def inode_of(sock: socket.socket) -> int:
    """Return the inode of a socket."""
    return os.fstat(sock.fileno()).st_ino


def test_a_listener_is_known_by_its_address() -> None:
    """Another one may have the same port at another address; one at all addresses comes last."""
    with socket.create_server(("127.0.0.2", 0)) as near:
        port = near.getsockname()[1]
        assert listener_at(os.getpid(), IPv4Address("127.0.0.2"), port) == inode_of(near)
        assert listener_at(os.getpid(), IPv6Address("::ffff:127.0.0.2"), port) == inode_of(near)
        assert listener_at(os.getpid(), LOOPBACK, port) is None
        assert listener_at(os.getpid(), IPv6Address("::1"), port) is None
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as wide:
        port = wide.getsockname()[1]
        for host in (LOOPBACK, IPv6Address("::1")):
            assert listener_at(os.getpid(), host, port) == inode_of(wide)


def test_connections_do_not_hide_a_listener() -> None:
    """Those are listed behind all listeners."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        assert listener_at(os.getpid(), LOOPBACK, server.getsockname()[1]) == inode_of(server)
