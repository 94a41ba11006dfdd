"""Real programs through chains of the bundled server, by a name that only the last hop knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .kit.clients import CLIENTS, NAME, wrap
from .kit.trace import Trace

if TYPE_CHECKING:
    from .kit.chains import Chain
    from .kit.clients import Stage
    from .kit.world import World


@pytest.mark.parametrize("client", CLIENTS)
def test_a_program_through_one_hop(world: World, stage: Stage, one_hop: Chain, client: str) -> None:
    """Over 1 MiB each way through SOCKS5, every byte of it, the name resolved by the hop."""
    CLIENTS[client](stage, wrap(one_hop.urls))
    assert one_hop.asked_of(0) == {NAME}
    assert world.judge.leaks == []


@pytest.mark.parametrize("client", CLIENTS)
def test_a_program_through_three_hops(world: World, stage: Stage, three_hops: Chain, client: str) -> None:
    """Ditto through SOCKS5 with a password, SOCKS4a and HTTP CONNECT; the first two never hear the name."""
    CLIENTS[client](stage, wrap(three_hops.urls))
    assert three_hops.asked_of(-1) == {NAME}
    assert three_hops.asked_of(0) == three_hops.asked_of(1) == {"127.0.0.1"}
    assert world.judge.leaks == []


@pytest.mark.parametrize("client", CLIENTS)
def test_no_system_call_names_anybody_but_the_first_hop(
    world: World,
    stage: Stage,
    three_hops: Chain,
    client: str,
) -> None:
    """Neither the program nor the helper connects or sends to any other address, not even in vain."""
    trace = Trace(world.directory / "trace")
    try:
        CLIENTS[client](stage, [*trace.prefix(), *wrap(three_hops.urls)])
        assert trace.dialled() == {("127.0.0.1", three_hops.servers[0].port)}
    finally:
        trace.file.unlink(missing_ok=True)
