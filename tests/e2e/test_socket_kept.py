"""What connect() leaves of a socket's flags and options, whichever way it goes and however it is entered."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple

import pytest

from proxywrap.testing import Script, SocksServer

from .kit.clients import NAME, PROXYWRAP
from .kit.origins import ORIGIN, until_closed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from .kit.building import Builder
    from .kit.world import World

OWN, OWN_6 = "192.0.2.2", "2001:db8::2"
"""This host's own addresses on the only device."""

RULES = f"""\
strict_chain
localnet {OWN}/32
[ProxyList]
socks5 127.0.0.1 %(proxy)d
[chain refusing]
socks5 127.0.0.1 %(refusing)d
[chain three]
socks5 127.0.0.1 %(proxy)d
socks4a 127.0.0.1 %(proxy)d
http 127.0.0.1 %(proxy)d
[chain dead]
dynamic_chain
socks5 127.0.0.1 %(dead)d
socks5 127.0.0.1 %(proxy)d
[chain relayed]
socks5 ::1 %(proxy_6)d
[chain ready]
socks5://127.0.0.1:%(proxy)d?warm=1
[rules]
direct {OWN_6} direct.test
block 198.51.100.1
chain refusing 198.51.100.2
chain three 198.51.100.3
chain dead 198.51.100.4
chain relayed 198.51.100.5
chain ready 198.51.100.6
"""
CHAINED = ["198.51.100.3", "198.51.100.4", "198.51.100.5", "198.51.100.6", "198.51.100.7", "2001:db8:5::7"]

WAYS = {
    "loopback": (ORIGIN, "connected"),
    "loopback, IPv6": ("::1", "connected"),
    "loopback, mapped": (f"::ffff:{ORIGIN}", "connected"),
    "loopback, closed": (ORIGIN, "Connection refused"),
    "localnet": (OWN, "connected"),
    "rule": (OWN_6, "connected"),
    "rule about a name": ("direct.test", "connected"),
    "blocked": ("198.51.100.1", "Permission denied"),
    "refused by the proxy": ("198.51.100.2", "Connection refused"),
    "three hops": ("198.51.100.3", "connected"),
    "past a dead proxy": ("198.51.100.4", "connected"),
    "relayed": ("198.51.100.5", "connected"),
    "standing ready": ("198.51.100.6", "connected"),
    "one hop": ("198.51.100.7", "connected"),
    "one hop, mapped": ("::ffff:198.51.100.7", "connected"),
    "one hop, IPv6": ("2001:db8:5::7", "connected"),
    "a name": (NAME, "connected"),
    "a name server": ("127.0.0.53", "connected"),
}
"""Where each leads, and what becomes of it."""

PROGRAMS: dict[str, tuple[str, Callable[[Builder], Path]]] = {
    "shim": ("auto", lambda compiled: compiled("socket_kept")),
    "shim, musl": ("auto", lambda compiled: compiled("socket_kept", compiler="musl-gcc")),
    "seccomp": ("seccomp", lambda compiled: compiled("socket_kept")),
    "both": ("both", lambda compiled: compiled("socket_kept")),
    "static": ("auto", lambda compiled: compiled("socket_kept", "-static", "-Wl,--no-warnings")),
}


BY_TRAFFIC = {"TCP:12", "SOL_SOCKET:55"}
"""What the kernel changes as bytes come and go: TCP_QUICKACK, and SO_MEMINFO, which counts them."""


class Places(NamedTuple):
    """The configuration, and the ports of what is open and of what is closed."""

    configuration: Path
    port: int
    closed: int

    def words(self, ways: list[str]) -> list[object]:
        """Return the program's arguments."""
        found: list[object] = []
        for way in ways:
            port = {"loopback, closed": self.closed, "a name server": 53}.get(way, self.port)
            found += [way.replace(" ", "_"), WAYS[way][0], port]
        return found


@asynccontextmanager
async def _server(hosts: list[str], port: int) -> AsyncIterator[None]:
    """Listen on several addresses, and hang up on whoever has ended."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        await until_closed(writer)

    server = await asyncio.start_server(handle, hosts, port)
    async with server:
        yield


@pytest.fixture(scope="module")
def places(shared_world: World) -> Iterator[Places]:
    """Run the destinations and the proxies."""
    port, dead = shared_world.port(), shared_world.port()
    names = dict.fromkeys([*CHAINED, NAME], ORIGIN)
    with (
        shared_world.running(_server([ORIGIN, "::1", OWN, OWN_6], port)),
        shared_world.running(SocksServer(names=names, resolve=True)) as proxy,
        shared_world.running(SocksServer(names=names, host="::1")) as proxy_6,
        shared_world.running(SocksServer(script=Script(refuse=111))) as refusing,
    ):
        configuration = shared_world.directory / "kept.conf"
        ports = {"proxy": proxy.port, "proxy_6": proxy_6.port, "refusing": refusing.port, "dead": dead}
        configuration.write_text(RULES % ports)
        yield Places(configuration, port, dead)


def _changes(text: str) -> tuple[dict[str, str], dict[str, set[str]]]:
    """Return what became of each way, and the flags and options that are other ones afterwards."""
    outcomes: dict[str, str] = {}
    changed: dict[str, set[str]] = {}
    for line in text.splitlines():
        label, _, rest = line.partition(" ")
        if label not in outcomes:
            outcomes[label] = rest
            changed[label] = set()
        else:
            changed[label].add(rest)
    return outcomes, changed


def _names(changes: set[str]) -> set[str]:
    return {change.split()[0] for change in changes}


@pytest.mark.case("base-flags-and-options")
@pytest.mark.parametrize("manner", ["blocking", "nonblocking", "limited"])
@pytest.mark.parametrize("how", PROGRAMS)
def test_flags_and_options_are_what_they_were(
    world: World, places: Places, compiled: Builder, how: str, manner: str
) -> None:
    """After each way that a connect can go; but for what the kernel itself changes by connecting."""
    engine, build = PROGRAMS[how]
    program = build(compiled)
    direct = ["loopback", "loopback, IPv6", "loopback, mapped", "loopback, closed"]
    _, by_kernel = _changes(world.run([program, manner, *places.words(direct)]).text)
    allowed = BY_TRAFFIC.union(*map(_names, by_kernel.values()))
    assert "F_GETFL" not in allowed
    hosts = {"direct.test": OWN}
    wrapper = [PROXYWRAP, "-f", places.configuration, "--engine", engine, "--"]
    result = world.run([*wrapper, program, manner, *places.words(list(WAYS))], hosts=hosts, resolver_s=5)
    outcomes, changed = _changes(result.text)
    assert outcomes == {way.replace(" ", "_"): outcome for way, (_, outcome) in WAYS.items()}
    changes = {
        way: {line for line in lines if line.split()[0] not in allowed} for way, lines in changed.items()
    }
    assert {way: lines for way, lines in changes.items() if lines} == {}
