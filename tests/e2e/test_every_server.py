"""Every kind of chain through every proxy that people have, to destinations of every sort.

A process connects through all chains of one proxy at once: rules tell them
apart by the destination. Other hops are servers of ours, which know what they
were asked for.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

import pytest

from proxywrap.testing import SocksServer

from .kit.clients import PROGRAMS, PROXYWRAP, wrap
from .kit.everyserver import SERVERS, Says, start
from .kit.listening import listening
from .kit.world import World

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator, Sequence

PROXYWRAPCTL = PROXYWRAP.with_name("proxywrapctl")

KINDS = ["strict_chain", "dynamic_chain", "random_chain", "round_robin_chain"]

SHAPES = ["it", "it, last", "first, it", "first, it, last"]
"""Where the proxy stands in the list; of random chains the others are `lot` and `draw`."""

CASES = [(kind, shape) for kind in KINDS for shape in SHAPES]

HOSTS = {f"open.c{at}.test": f"10.99.{at}.1" for at in range(len(CASES))}

EVERY = [(name, scheme) for name, server in SERVERS.items() for scheme in server.says]

IN_DOUBT = "could not resolve the name, or not reach its host"
OWN_FAILURE = "general failure of the proxy (REP 1): its own log says why"
ALSO_TOLD = {"asyncio-socks-server": OWN_FAILURE, "tor": OWN_FAILURE}
"""What a program's user hears of a destination that this one does not reach, for it says no more."""


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(await reader.read(5))


class Scene:
    """The proxies, each started when it is first wanted, and the destinations."""

    def __init__(self, world: World, stack: contextlib.ExitStack) -> None:
        self.world = world
        self._stack = stack
        self._ports: dict[str, int] = {}
        enter = ["nsenter", f"--net={world.namespace}", "ip"]
        subprocess.run([*enter, "addr", "add", "10.99.0.1/16", "dev", "lo"], check=True)
        subprocess.run([*enter, "route", "add", "unreachable", "10.98.0.0/16"], check=True)
        # Where one goes that knows no 4a.
        subprocess.run([*enter, "route", "add", "unreachable", "0.0.0.1/32"], check=True)
        self.closed = world.port()
        self.open: int = stack.enter_context(world.running(listening(_echo, "0.0.0.0")))
        self.ours: dict[str, SocksServer] = {
            name: stack.enter_context(world.running(SocksServer(names=HOSTS)))
            for name in ("bundled", "first", "last", "lot", "draw")
        }

    def port(self, name: str) -> int:
        """Return where a proxy listens."""
        if name in self.ours:
            return self.ours[name].port
        if name not in self._ports:
            self._ports[name] = self._stack.enter_context(start(self.world, name, HOSTS))
        return self._ports[name]

    def asked(self, name: str) -> set[str]:
        """Return what one of ours was asked for, greetings left out."""
        return {access.destination for access in self.ours[name].log if access.host is not None}

    def forget(self) -> None:
        """Forget what ours were asked for."""
        for server in self.ours.values():
            server.log.clear()

    def places(self, at: int) -> dict[str, str]:
        """Return the destinations of one of CASES, by what they are."""
        return {
            "open": f"10.99.{at}.1:{self.open}",
            "named": f"open.c{at}.test:{self.open}",
            "closed": f"10.99.{at}.1:{self.closed}",
            "unreachable": f"10.98.{at}.1:{self.open}",
            "unknown": f"unknown.c{at}.test:{self.open}",
        }

    def outcomes(
        self, prefix: Sequence[object], places: Sequence[str], threads: int
    ) -> tuple[dict[str, str], list[str]]:
        """Connect to so many at a time; return what came of each, and what was said on stderr."""
        result = self.world.run([*prefix, sys.executable, PROGRAMS / "many.py", threads, *places])
        lines = (line.split("\t") for line in result.text.splitlines())
        return {place: outcome for place, outcome in lines}, result.complaints  # noqa: C416 - typed


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    """Set it; who has a hosts file asks no name server."""
    with World(has_name_servers=False) as world, contextlib.ExitStack() as stack:
        yield Scene(world, stack)
        assert world.judge.leaks == []


class Chain(NamedTuple):
    """One of CASES for a proxy: its hops by name, and which of them may answer for a destination."""

    kind: str
    hops: tuple[str, ...]

    @property
    def last(self) -> tuple[str, ...]:
        """Those that may be the last hop."""
        return self.hops if self.kind == "random_chain" else self.hops[-1:]


def chains(name: str) -> dict[int, Chain]:
    """Return those of CASES that a proxy can be in, by number."""
    made = {}
    for at, (kind, shape) in enumerate(CASES):
        hops = tuple(name if word == "it" else word for word in shape.split(", "))
        if kind == "random_chain":
            hops = tuple({"first": "lot", "last": "draw"}.get(hop, hop) for hop in hops)
        can_lead = SERVERS[name].leads_on or (hops[-1] == name and (kind != "random_chain" or len(hops) == 1))
        if can_lead:
            made[at] = Chain(kind, hops)
    return made


def configuration(scene: Scene, name: str, scheme: str) -> list[object]:
    """Return the prefix that has each destination go through the chain of its number."""
    lines = ["[ProxyList]", f"socks5 127.0.0.1 {scene.port('bundled')}"]
    rules = ["[rules]"]
    for at, chain in chains(name).items():
        lines += [f"[chain c{at}]", chain.kind]
        if chain.kind in {"random_chain", "round_robin_chain"}:
            lines.append(f"chain_len = {len(chain.hops)}")
        lines += [
            f"{scheme if hop == name else 'socks5'}://127.0.0.1:{scene.port(hop)}" for hop in chain.hops
        ]
        rules.append(f"chain c{at} 10.99.{at}.1 10.98.{at}.1 .c{at}.test")
    file = scene.world.directory / "every.conf"
    file.write_text("\n".join([*lines, *rules, ""]))
    return wrap([], "-f", file)


def expected(chain: Chain, name: str, scheme: str, what: str) -> set[str]:
    """Return what may come of a connection to a destination of that sort."""
    field = "opened" if what == "open" else what
    saying = [SERVERS[name].says[scheme] if hop == name else Says() for hop in chain.last]
    return {outcome for says in saying for outcome in getattr(says, field).split("|")}


@pytest.mark.case("chain-every-server")
@pytest.mark.parametrize(("name", "scheme"), EVERY)
def test_every_chain_through_every_server(scene: Scene, name: str, scheme: str) -> None:
    """Nobody is left out, each is asked for the next, and what a destination answers is no fault."""
    made = chains(name)
    places = {at: scene.places(at) for at in made}
    prefix = configuration(scene, name, scheme)
    scene.forget()
    everything = [place for of_one in places.values() for place in of_one.values()]
    outcomes, complaints = scene.outcomes(prefix, everything, 16)
    for at, chain in made.items():
        for what, place in places[at].items():
            assert outcomes[place] in expected(chain, name, scheme, what), (chain, what, complaints)
    also = ALSO_TOLD.get(name, IN_DOUBT)
    assert [line for line in complaints if IN_DOUBT not in line and also not in line] == []
    it = f"127.0.0.1:{scene.port(name)}"
    assert scene.asked("first") == {it}
    through_last = [places[at].values() for at, chain in made.items() if chain.hops[-1] == "last"]
    assert scene.asked("last") == {place for of_one in through_last for place in of_one}


# -- beside proxychains ------------------------------------------------------------------


COMPARED = [(name, scheme) for name, scheme in EVERY if scheme[-1] not in "ah" and name != "tor"]
"""It knows neither 4a nor 5h, and Tor leads nowhere here."""


@pytest.mark.case("chain-as-proxychains")
@pytest.mark.parametrize(("name", "scheme"), COMPARED)
@pytest.mark.parametrize("kind", KINDS[:2])
def test_proxychains_asks_the_same_of_the_same(scene: Scene, name: str, scheme: str, kind: str) -> None:
    """With the same file every proxy is asked for the same, and the same connections stand."""
    port = scene.port
    lines = [f"socks5 127.0.0.1 {port('first')}", f"{scheme} 127.0.0.1 {port(name)}"]
    file = scene.world.directory / "both.conf"
    file.write_text("\n".join([kind, "[ProxyList]", *lines, f"socks5 127.0.0.1 {port('last')}", ""]))
    places = [place for what, place in scene.places(0).items() if what in {"open", "closed", "unreachable"}]
    seen = []
    for prefix in (["proxychains4", "-q", "-f", file], wrap([], "-q", "-f", file)):
        scene.forget()
        outcomes, _ = scene.outcomes(prefix, places, 1)
        stands = {place for place, outcome in outcomes.items() if outcome == "connected"}
        seen.append((stands, scene.asked("first"), scene.asked("last")))
    assert seen[0] == seen[1]
    assert seen[0][0] == {places[0]}


# -- proxywrapctl check ------------------------------------------------------------------


@pytest.mark.parametrize(("name", "scheme"), EVERY)
def test_check_finds_every_server_sound(scene: Scene, name: str, scheme: str) -> None:
    """In a strict and in a dynamic chain; each proxy is tried by those before it, and nobody past them."""
    port = scene.port
    lines = [f"socks5 127.0.0.1 {port('first')}", f"{scheme}://127.0.0.1:{port(name)}"]
    if SERVERS[name].leads_on:
        lines.append(f"socks5 127.0.0.1 {port('last')}")
    file = scene.world.directory / "check.conf"
    file.write_text(
        "\n".join(["dynamic_chain", "[ProxyList]", *lines, "[chain all]", "strict_chain", *lines, ""])
    )
    place = scene.places(0)["open"]
    scene.forget()
    to = ["--to", place] if SERVERS[name].leads_on else []
    result = scene.world.run([PROXYWRAPCTL, "check", "-f", file, "--json", *to], expect=None)
    assert result.returncode == 0, result.text
    it, last = (f"127.0.0.1:{port(each)}" for each in (name, "last"))
    assert it in scene.asked("first")
    assert scene.asked("first") & {last, place} == set()
    if to:
        assert place in scene.asked("last")
