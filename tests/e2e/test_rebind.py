"""A socket that a program has closed is closed: the helper has no copy of it left."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from .kit.clients import PROGRAMS, wrap

if TYPE_CHECKING:
    from .kit.chains import Chain
    from .kit.world import World


@pytest.mark.case("fd-port-free")
@pytest.mark.parametrize("engine", ["auto", "seccomp", "both"])
def test_a_port_is_free_when_its_socket_is_closed(world: World, one_hop: Chain, engine: str) -> None:
    """Whatever call on it the helper has just answered."""
    command = [*wrap(one_hop.urls, "--engine", engine), sys.executable, PROGRAMS / "rebind.py", 300]
    assert world.run(command).text == "0"
