"""A connection to this host stands when a non-blocking connect() returns, as where the kernel makes it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from .kit.clients import PROGRAMS, wrap

if TYPE_CHECKING:
    from .kit.chains import Chain
    from .kit.world import World

TIMES = 200


@pytest.mark.case("pend-loopback-at-once")
@pytest.mark.parametrize("engine", ["auto", "seccomp", "both"])
def test_a_loopback_connection_stands_at_once(world: World, one_hop: Chain, engine: str) -> None:
    """Both ends are writable, and the socket has its address; a busy helper may be late now and then."""
    command = [sys.executable, PROGRAMS / "at_once.py", TIMES]
    assert int(world.run([*wrap(one_hop.urls, "--engine", engine), *command]).text) < TIMES // 20
    assert not one_hop.servers[0].log
