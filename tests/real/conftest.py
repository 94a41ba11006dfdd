"""The world, the destinations and the judge of the tests of real programs."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from e2e.conftest import one_hop, shared_world, stage, world
from e2e.kit.clients import NAME, wrap
from e2e.kit.trace import Trace

from .secure import Secure, secure_web
from .user import User, ordinary_user

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from e2e.kit.chains import Chain
    from e2e.kit.clients import Words
    from e2e.kit.world import World

__all__ = ["one_hop", "shared_world", "stage", "world"]


@pytest.fixture
def prefix(world: World, one_hop: Chain) -> Iterator[Words]:
    """Return the words that lead a command through one SOCKS5 server, and judge all it did at the end.

    The server was asked for NAME and for nothing else, no system call names
    anybody but the server, no packet and no question has left.
    """
    with _judged(world, one_hop) as (words, dialled):
        yield words
    assert dialled == {("127.0.0.1", one_hop.servers[0].port)}


@pytest.fixture
def asking(world: World, one_hop: Chain) -> Iterator[Words]:
    """Do the same for a command that asks a name server, in whose place the helper answers on loopback."""
    with _judged(world, one_hop) as (words, dialled):
        yield words
    assert ("127.0.0.1", one_hop.servers[0].port) in dialled
    assert len(dialled) > 1, "it has asked nobody"
    assert {host for host, _ in dialled} == {"127.0.0.1"}
    assert 53 not in {port for _, port in dialled}


@contextmanager
def _judged(world: World, one_hop: Chain) -> Iterator[tuple[Words, set[tuple[str, int]]]]:
    """Fill the set with what was dialled, when it is over."""
    trace = Trace(world.directory / "trace")
    dialled: set[tuple[str, int]] = set()
    yield [*trace.prefix(), *wrap(one_hop.urls)], dialled
    dialled |= trace.dialled()
    trace.file.unlink()
    assert one_hop.asked_of(0) == {NAME}
    assert world.judge.leaks == []


@pytest.fixture(scope="session")
def secure(shared_world: World) -> Iterator[Secure]:
    """Run the web server that speaks TLS, as http/1.1 and as h2."""
    with secure_web(shared_world) as made:
        yield made


@pytest.fixture
def user(world: World) -> Iterator[User]:
    """Return somebody who is not root."""
    with ordinary_user(world) as made:
        yield made


@pytest.fixture
def scratch(world: World, tmp_path: Path) -> Path:
    """Return an empty directory that programs inside may write to."""
    assert world.directory.exists()
    return tmp_path
