"""Kinds of hops, each with a server that nobody here wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .conftest import HOSTS
from .kit import foreign
from .kit.clients import CLIENTS, NAME, wrap
from .kit.origins import PAYLOAD

if TYPE_CHECKING:
    from collections.abc import Callable

    from .kit.clients import Stage
    from .kit.world import World

NOWHERE = "192.0.2.99"
"""Not asked by anybody: only the hop before it would be asked for it."""


# --- raw


@pytest.mark.parametrize("before", [[], ["dante"], ["dante", "ssh-D"]])
def test_a_forwarded_port_leads_where_it_leads(
    world: World, stage: Stage, proxy: Callable[[str], str], before: list[str]
) -> None:
    """`ssh -L` as the last hop: the destination is its own affair, whatever was asked for."""
    with foreign.ssh_forward(world, HOSTS, NAME, stage.echo.port) as port:
        chain = [*(proxy(name) for name in before), f"raw://127.0.0.1:{port}"]
        sent = PAYLOAD[: 1 << 20]
        result = world.run([*wrap(chain), "nc", "-N", "elsewhere.test", "7"], stdin=sent)
    assert result.stdout == sent
    assert result.complaints == []
    assert world.judge.leaks == []


@pytest.mark.parametrize("client", ["curl", "git"])
@pytest.mark.parametrize("server", ["microsocks-password", "tinyproxy"])
def test_a_raw_hop_before_a_proxy(
    world: World, stage: Stage, proxy: Callable[[str], str], server: str, client: str
) -> None:
    """The proxy behind it is reached by the raw hop's place, its own is asked of nobody."""
    url = proxy(server)
    place, _, port = url.rpartition(":")
    chain = [f"raw://127.0.0.1:{port}", place.replace("127.0.0.1", NOWHERE) + ":1"]
    CLIENTS[client](stage, wrap(chain))
    assert world.judge.leaks == []
