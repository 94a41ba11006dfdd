"""Real programs through proxies that nobody here wrote, each alone with its hosts file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .kit.clients import CLIENTS, NAME, wrap
from .kit.origins import PAYLOAD

if TYPE_CHECKING:
    from collections.abc import Callable

    from .kit.clients import Stage
    from .kit.world import World

PROXIES = ["microsocks", "microsocks-password", "dante", "ssh-D", "tinyproxy"]


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("server", PROXIES)
def test_a_program_through_a_foreign_proxy(
    world: World,
    stage: Stage,
    proxy: Callable[[str], str],
    server: str,
    client: str,
) -> None:
    """Over 1 MiB each way, by a name that only the proxy's own hosts file knows."""
    CLIENTS[client](stage, wrap(proxy(server)))
    assert world.judge.leaks == []


def test_foreign_proxies_in_a_row(world: World, stage: Stage, proxy: Callable[[str], str]) -> None:
    """A chain of microsocks with a password, dante and tinyproxy carries curl."""
    chain = [proxy(name) for name in ("microsocks-password", "dante", "tinyproxy")]
    CLIENTS["curl"](stage, wrap(chain))
    assert world.judge.leaks == []


@pytest.mark.parametrize("server", ["dante", "ssh-D"])
@pytest.mark.parametrize("before", [[], ["tinyproxy"]], ids=["alone", "behind-another"])
def test_a_handshake_in_one_flight(
    world: World, stage: Stage, proxy: Callable[[str], str], server: str, before: list[str]
) -> None:
    """These servers read what has come already when they are at it; microsocks does not."""
    chain = [*(proxy(name) for name in before), f"{proxy(server)}?pipeline=1"]
    CLIENTS["curl"](stage, wrap(chain))
    assert world.judge.leaks == []


@pytest.mark.parametrize("server", ["dante", "ssh-D"])
def test_a_half_closed_connection_goes_on(
    world: World,
    stage: Stage,
    proxy: Callable[[str], str],
    server: str,
) -> None:
    """After the application's FIN the other direction still delivers everything."""
    sent = PAYLOAD[: 1 << 20]
    result = world.run([*wrap(proxy(server)), "nc", "-N", NAME, str(stage.echo.port)], stdin=sent)
    assert result.stdout == sent
