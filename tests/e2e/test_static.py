"""Statically linked programs of several languages: names, data both ways, and every end of a connection."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from proxywrap.scheme import Scheme
from proxywrap.testing import Script

from .kit.chains import chain
from .kit.clients import NAME, wrap
from .kit.origins import BANNER, PAYLOAD, banner_first, serving
from .kit.scripted import script

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from .kit.building import Builder
    from .kit.chains import Chain
    from .kit.clients import Stage
    from .kit.origins import Origin
    from .kit.world import World

MEGABYTE = PAYLOAD[: 1 << 20]
RESET = struct.pack("ii", 1, 0)  # struct linger: on, no time to send

BUILDS: dict[str, Callable[[Builder], Path]] = {
    "glibc": lambda compiled: compiled("talk", "-static"),
    "glibc-pie": lambda compiled: compiled("talk", "-static-pie", "-fPIE"),
    "musl": lambda compiled: compiled("talk", "-static", compiler="musl-gcc"),
    "rust": lambda compiled: compiled.rust("talk"),
    "go": lambda compiled: compiled.go("dialler"),
}
CHAINS = {
    "socks5": [Scheme.SOCKS5],
    "socks4a": [Scheme.SOCKS4A],
    "http": [Scheme.HTTP],
    "three": [Scheme.SOCKS5, Scheme.SOCKS4A, Scheme.HTTP],
}
RESOLVER_S = 5
"""What musl has by itself; the helper's start is part of it."""


@pytest.fixture(params=BUILDS)
def talk(request: pytest.FixtureRequest, compiled: Builder) -> Path:
    """Return the program, in each language."""
    return BUILDS[request.param](compiled)


@pytest.mark.parametrize("verb", ["exchange", "limited"])
@pytest.mark.parametrize("schemes", CHAINS.values(), ids=CHAINS)
def test_a_megabyte_both_ways(
    world: World, stage: Stage, talk: Path, verb: str, schemes: list[Scheme]
) -> None:
    """It comes back whole, after our FIN; `limited` connects without blocking."""
    with chain(world, schemes) as hops:
        command = [*wrap(hops.urls), talk, verb, NAME, stage.echo.port]
        assert world.run(command, stdin=MEGABYTE, resolver_s=RESOLVER_S).stdout == MEGABYTE
        assert hops.asked_of(-1) == {NAME}


@pytest.mark.parametrize("verb", ["exchange", "limited"])
@pytest.mark.parametrize("schemes", [CHAINS["http"], CHAINS["three"]], ids=["http", "three"])
def test_a_server_that_speaks_first(world: World, talk: Path, verb: str, schemes: list[Scheme]) -> None:
    """What it says with the reply of the last hop, in one segment, is the program's."""
    with (
        world.running(banner_first()) as origin,
        chain(world, schemes, Script(is_coalescing=True)) as hops,
    ):
        command = [*wrap(hops.urls), talk, verb, NAME, origin.port]
        assert world.run(command, stdin=b"and so on", resolver_s=RESOLVER_S).stdout == BANNER + b"and so on"


def test_the_peer(world: World, stage: Stage, three_hops: Chain, talk: Path) -> None:
    """Is who was asked for."""
    result = world.run([*wrap(three_hops.urls), talk, "peer", NAME, stage.echo.port], resolver_s=RESOLVER_S)
    asked, peer = result.text.splitlines()
    assert asked.startswith("asked 198.1")
    assert peer == asked.replace("asked", "peer")


@dataclass
class Parting:
    """What the server that is left, or resets, has seen."""

    origin: Origin
    ends: asyncio.Queue[str] = field(default_factory=asyncio.Queue)


@asynccontextmanager
async def _parting() -> AsyncIterator[Parting]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.readline() == b"reset\n":
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            writer.transport.abort()
            return
        writer.write(b"well\n")
        try:
            parting.ends.put_nowait(repr(await reader.read()))
        except ConnectionResetError:
            parting.ends.put_nowait("reset")

    async with serving(handle) as origin:
        parting = Parting(origin)
        yield parting


RESET_SAID = {"connection reset by peer", "ConnectionReset", "read: Connection reset by peer"}


@pytest.mark.parametrize("hops", ["one_hop", "three_hops"])
def test_a_reset_by_the_server(request: pytest.FixtureRequest, world: World, talk: Path, hops: str) -> None:
    """Arrives as one."""
    urls = request.getfixturevalue(hops).urls
    with world.running(_parting()) as parting:
        command = [*wrap(urls), talk, "reset", NAME, parting.origin.port]
        assert world.run(command, expect=1, resolver_s=RESOLVER_S).text in RESET_SAID


@pytest.mark.parametrize("hops", ["one_hop", "three_hops"])
@pytest.mark.parametrize("build", ["glibc", "musl", "go"])  # Rust has no SO_LINGER yet
def test_a_reset_by_the_program(
    request: pytest.FixtureRequest, world: World, compiled: Builder, build: str, hops: str
) -> None:
    """Likewise."""
    urls = request.getfixturevalue(hops).urls
    with world.running(_parting()) as parting:
        command = [*wrap(urls), BUILDS[build](compiled), "leave", NAME, parting.origin.port]
        assert world.run(command, resolver_s=RESOLVER_S).text == "left"
        assert world.call(parting.ends.get) == "reset"


REFUSED_SAID = {"connection refused", "ConnectionRefused", "connect: Connection refused"}
TIMED_OUT_SAID = {"TimedOut", "connect: Connection timed out", "connect: Operation timed out"}


@pytest.mark.parametrize("verb", ["exchange", "limited"])
def test_a_refused_port(world: World, talk: Path, verb: str) -> None:
    """Is what each calls it, and nothing is said of it besides."""
    with chain(world, [Scheme.SOCKS5], Script(refuse=111)) as hops:
        result = world.run([*wrap(hops.urls), talk, verb, NAME, 80], expect=1, resolver_s=RESOLVER_S)
    assert result.text in REFUSED_SAID
    assert result.complaints == []


def test_a_limit(world: World, talk: Path) -> None:
    """A program that waits a second and no longer need not wait longer."""
    with world.running(script(None)) as silent:
        url = f"socks5://127.0.0.1:{silent.port}"
        result = world.run(
            [*wrap(url), talk, "limited", NAME, 80], expect=1, timeout=10, resolver_s=RESOLVER_S
        )
    assert result.text in TIMED_OUT_SAID or result.text.endswith(": i/o timeout")  # Go's
