"""What an application finds on a socket after connect is what it would have found without the wrapper."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from .kit.clients import NAME, PROGRAMS, wrap
from .kit.origins import ORIGIN, farewell
from .kit.scripted import gate

if TYPE_CHECKING:
    from .kit.clients import Stage
    from .kit.world import World


@pytest.mark.parametrize("how", ["blocking", "epoll"])
def test_a_socket_looks_the_same_wrapped_and_unwrapped(world: World, stage: Stage, how: str) -> None:
    """Flags, options, bound port, epoll, inode, peer name and descriptors; the hop sees the port."""
    argv = [sys.executable, PROGRAMS / "socket_state.py"]
    _, _, unwrapped = world.run([*argv, ORIGIN, str(stage.echo.port), how]).text.partition("\n")
    with world.running(gate()) as proxy:
        result = world.run([*wrap(proxy.url), *argv, NAME, str(stage.echo.port), how])
        bound, _, wrapped = result.text.partition("\n")
        assert json.loads(wrapped) == json.loads(unwrapped)
        assert proxy.clients == [int(bound)]


@pytest.mark.parametrize("how", ["blocking", "nonblocking"])
def test_close_sends_the_fin_at_once(world: World, how: str) -> None:
    """The server hears the end while the application lives on: nobody else holds the socket."""
    with world.running(farewell()) as origin, world.running(gate()) as proxy:
        argv = [sys.executable, PROGRAMS / "farewell.py", NAME, str(origin.port), how]
        assert world.run([*wrap(proxy.url), *argv]).text == "last words"
