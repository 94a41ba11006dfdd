"""Every way out that a preloaded library is known to overlook, tried under the judge."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from proxywrap.scheme import Scheme
from proxywrap.testing import Script

from .kit.chains import chain
from .kit.clients import NAME, PROGRAMS, wrap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from .kit.chains import Chain
    from .kit.world import World

OUTSIDE = ["198.51.100.9", "2001:db8:9::9"]
WAYS = re.findall(r"^\tWAY\((\w+),", (PROGRAMS / "leaky.c").read_text(), re.MULTILINE)

SHOWS = {
    "udp_connect_v6": ["prog-chromium-udp-probe"],
    "stub_udp": ["prog-chromium-own-dns"],
    "stub_udp_connect": ["prog-chromium-own-dns"],
    "getaddrinfo_a": ["trap-nothing-called-through"],
    "getnameinfo": ["trap-nothing-called-through"],
    "gethostbyaddr": ["trap-nothing-called-through"],
}


@pytest.fixture(scope="module")
def refusing(shared_world: World) -> Iterator[Chain]:
    """Run a hop that reaches nothing, so that every packet to the outside is the program's own."""
    with chain(shared_world, [Scheme.SOCKS5], Script(refuse=111)) as made:
        yield made


@pytest.mark.parametrize("way", WAYS)
def test_a_way_out_leaks_unwrapped(world: World, compiled: Callable[[str], Path], way: str) -> None:
    """Each of the ways is one: without the wrapper the judge sees it."""
    world.run([compiled("leaky"), way, *OUTSIDE, NAME])
    assert world.judge.acquit() != []


@pytest.mark.parametrize(
    "way", [pytest.param(way, marks=pytest.mark.case(*SHOWS.get(way, []))) for way in WAYS]
)
def test_a_way_out_is_shut(
    world: World,
    refusing: Chain,
    compiled: Callable[[str], Path],
    way: str,
) -> None:
    """Through the proxy or refused, but not a packet and not a query past it; at most one line is said."""
    result = world.run([*wrap(refusing.urls), compiled("leaky"), way, *OUTSIDE, NAME])
    assert world.judge.leaks == []
    assert len(result.complaints) <= 1
