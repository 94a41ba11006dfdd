"""Every kind of hop behind every kind of hop, in chains of three, each a server that nobody here wrote."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import pytest
from net.certificates import make_certificates

from .conftest import HOSTS, PASSWORD
from .kit import foreign
from .kit.clients import CLIENTS, NAME, PROGRAMS, Stage, wrap
from .kit.home import Home
from .kit.origins import BANNER, ORIGIN, Origin, banner_first, digest
from .kit.scripted import behind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .kit.world import World

SERVERS = {
    "socks4": "ssh-D",
    "socks4a": "ssh-D",
    "socks5": "microsocks-password",
    "socks5h": "dante",
    "http": "tinyproxy",
    "https": "tinyproxy",
    "socks5+tls": "microsocks-password",
    "socks5h+tls": "dante",
    "socks4a+tls": "ssh-D",
}
"""Which server speaks it, behind stunnel where there is TLS."""

MAKERS = {
    "ssh-D": lambda world: foreign.ssh_dynamic(world, HOSTS),
    "microsocks-password": lambda world: foreign.microsocks(world, HOSTS, password=PASSWORD),
    "dante": lambda world: foreign.dante(world, HOSTS),
    "tinyproxy": lambda world: foreign.tinyproxy(world, HOSTS),
}

KINDS = [*SERVERS, "ssh", "raw"]


class Hop(NamedTuple):
    """A hop's URL, and where it listens, for a raw one before it."""

    url: str
    place: str


def _tour(kinds: list[str]) -> list[str]:
    """Return a walk that goes from every kind to every kind once (Hierholzer's)."""
    left = {kind: list(kinds) for kind in kinds}
    path, walk = [kinds[0]], []
    while path:
        if left[path[-1]]:
            path.append(left[path[-1]].pop())
        else:
            walk.append(path.pop())
    return walk[::-1]


def _triples() -> list[tuple[str, ...]]:
    """Return chains of three in which every ordered pair of kinds is once."""
    walk = _tour(KINDS)
    chains = [tuple(walk[at : at + 3]) for at in range(0, len(walk) - 2, 2)] + [tuple(walk[-3:])]
    return [
        *chains,
        *(("unix", first, second) for first, second in zip(KINDS, KINDS[1:] + KINDS[:1], strict=True)),
    ]


@pytest.fixture(scope="module")
def talkative(shared_world: World) -> Iterator[Origin]:
    """Run the server that speaks first."""
    with shared_world.running(banner_first()) as origin:
        yield origin


@pytest.fixture(scope="module")
def gates(shared_world: World) -> Iterator[tuple[foreign.Sshd, foreign.Sshd]]:
    """Run two SSH servers, `gate0` and `gate1`."""
    with (
        foreign.sshd(shared_world, "127.0.0.1", HOSTS) as even,
        foreign.sshd(shared_world, "127.0.0.1", HOSTS) as odd,
    ):
        yield even, odd


@pytest.fixture(scope="module")
def home(shared_world: World, gates: tuple[foreign.Sshd, foreign.Sshd]) -> Home:
    """Have their keys."""
    return Home.make(shared_world, "pairs", gate0=gates[0], gate1=gates[1])


@pytest.fixture(scope="module")
def hop_of(
    shared_world: World, gates: tuple[foreign.Sshd, foreign.Sshd]
) -> Iterator[Callable[[str, int], Hop]]:
    """Return a function to a hop of some kind; each server is started when it is first wanted.

    Two of each, for odd places and for even ones: dante and tinyproxy connect to themselves for nobody.
    """
    certificates = make_certificates(shared_world.directory, "127.0.0.1")
    with ExitStack() as stack:

        @cache
        def server(name: str, _which: int) -> str:
            return stack.enter_context(MAKERS[name](shared_world))

        @cache
        def start(kind: str, which: int) -> Hop:
            if kind == "ssh":
                return Hop(f"ssh://gate{which}", f"127.0.0.1:{gates[which].port}")
            place = server(SERVERS.get(kind, "dante"), which).partition("://")[2]
            userinfo, _, port = place.rpartition("127.0.0.1:")
            if kind == "unix":
                path = shared_world.directory / f"pairs-{which}.sock"
                stack.enter_context(shared_world.running(behind(int(port), path)))
                return Hop(f"socks5://unix:{path}", "")
            query = ""
            if kind.endswith(("+tls", "https")):
                port = str(stack.enter_context(foreign.stunnel(shared_world, int(port), certificates.right)))
                query = f"?ca={certificates.ca}"
            return Hop(f"{kind}://{userinfo}127.0.0.1:{port}{query}", f"127.0.0.1:{port}")

        yield start


def test_every_pair_is_there() -> None:
    """Each kind before each, and a Unix socket before all."""
    pairs = {pair for chain in _triples() for pair in pairwise(chain)}
    assert pairs >= {(one, other) for one in (*KINDS, "unix") for other in KINDS}


@pytest.mark.parametrize("chain", _triples(), ids="-".join)
def test_a_chain_of_three(
    world: World,
    stage: Stage,
    talkative: Origin,
    home: Home,
    hop_of: Callable[[str, int], Hop],
    chain: tuple[str, ...],
) -> None:
    """A server that speaks first, blocking and not, and over 1 MiB each way: not a byte differs."""

    def lead_to(port: int) -> list[object]:
        """Return the prefix; a raw hop leads to where the next one is, the last one to that port."""
        leads_to, urls = f"{ORIGIN}:{port}", list[str]()
        for which, kind in reversed(list(enumerate(chain))):
            if kind == "raw":
                urls.insert(0, f"raw://{leads_to}")
            else:
                hop = hop_of(kind, which % 2)
                leads_to = hop.place
                urls.insert(0, hop.url)
        return home.of(wrap(urls))

    argv = [sys.executable, PROGRAMS / "banner.py", NAME, talkative.port, len(BANNER)]
    result = world.run([*lead_to(talkative.port), *argv])
    assert result.text.splitlines() == [f"{digest(BANNER)} and back"] * 2
    assert result.complaints == []
    CLIENTS["curl"](stage, lead_to(stage.web.port))
    assert world.judge.leaks == []
