"""Servers that speak first: what they say must not end in a handshake, nor half of it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from proxywrap.scheme import Scheme
from proxywrap.testing import Script

from .kit.chains import chain
from .kit.clients import NAME, PROGRAMS, wrap
from .kit.origins import BANNER, Origin, banner_first, digest
from .kit.scripted import EAGER, eager, trickle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .kit.world import World


@pytest.fixture(scope="module")
def talkative(shared_world: World) -> Iterator[Origin]:
    """Run the server that speaks first."""
    with shared_world.running(banner_first()) as origin:
        yield origin


def _listen_to(world: World, chain: str | list[str], origin: Origin) -> None:
    argv = [sys.executable, PROGRAMS / "banner.py", NAME, str(origin.port), str(len(BANNER))]
    result = world.run([*wrap(chain), *argv])
    assert result.text.splitlines() == [f"{digest(BANNER)} and back"] * 2
    assert world.judge.leaks == []


@pytest.mark.parametrize("server", ["microsocks", "microsocks-password", "dante", "ssh-D", "tinyproxy"])
def test_a_banner_through_a_foreign_proxy(
    world: World,
    talkative: Origin,
    proxy: Callable[[str], str],
    server: str,
) -> None:
    """Not a byte is lost, blocking or not."""
    _listen_to(world, proxy(server), talkative)


@pytest.mark.parametrize("server", ["microsocks", "microsocks-password", "tinyproxy"])
def test_a_banner_when_each_reply_arrives_in_single_bytes(
    world: World,
    talkative: Origin,
    proxy: Callable[[str], str],
    server: str,
) -> None:
    """The handshake goes on over any number of reads."""
    url = proxy(server)
    address, _, port = url.rpartition(":")
    with world.running(trickle(int(port))) as relay:
        _listen_to(world, f"{address}:{relay}", talkative)


@pytest.mark.parametrize("kind", EAGER)
@pytest.mark.parametrize("said", [1, 1000, len(BANNER)])
def test_a_banner_in_one_segment_with_the_reply(
    world: World, talkative: Origin, kind: str, said: int
) -> None:
    """What follows a reply in the same segment belongs to the application."""
    with world.running(eager(kind, said)) as port:
        _listen_to(world, f"{kind}://127.0.0.1:{port}", talkative)


@pytest.mark.parametrize("kind", EAGER)
def test_a_banner_with_the_reply_in_single_bytes(world: World, talkative: Origin, kind: str) -> None:
    """The same, torn up: the last byte of the reply and the first of the banner look alike."""
    with world.running(eager(kind, 1000)) as port, world.running(trickle(port)) as relay:
        _listen_to(world, f"{kind}://127.0.0.1:{relay}", talkative)


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(Script(), id="plain"),
        pytest.param(Script(is_trickling=True), id="in-single-bytes"),
        pytest.param(Script(is_coalescing=True), id="in-one-segment"),
    ],
)
@pytest.mark.parametrize(
    "schemes",
    [
        [Scheme.SOCKS5],
        [Scheme.SOCKS4A],
        [Scheme.HTTP],
        [Scheme.SOCKS5, Scheme.SOCKS4A, Scheme.HTTP],
        [Scheme.HTTP, Scheme.SOCKS5, Scheme.SOCKS4A],
    ],
    ids="-".join,
)
def test_a_banner_through_the_bundled_server(
    world: World,
    talkative: Origin,
    schemes: list[Scheme],
    script: Script,
) -> None:
    """Not a byte is lost through any kind of hop, nor through several, however the replies arrive."""
    with chain(world, schemes, script) as hops:
        _listen_to(world, hops.urls, talkative)
