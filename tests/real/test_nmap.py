"""nmap's connect scan as an ordinary user: wrapped and unwrapped it says the same."""

from __future__ import annotations

import contextlib
import socket
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, TypeAlias

import pytest
from e2e.kit.clients import NAME, wrap
from e2e.kit.origins import ORIGIN

from proxywrap.testing import SocksServer

from .databases import redis
from .user import User

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from e2e.kit.clients import Stage, Words
    from e2e.kit.world import Command, World

ADDRESS = "198.51.100.7"
"""It leads where NAME does, for the proxy alone."""

IP_MINTTL = 21
CLOSED = "1-200"

Findings: TypeAlias = "dict[int, dict[str, str]]"
"""Of each port: its state, the reason of it, and what the service is taken for."""


@contextlib.asynccontextmanager
async def _filtered() -> AsyncIterator[int]:
    """Keep a port of ORIGIN whose kernel drops every SYN: loopback's packets have a TTL of 64."""
    with socket.socket() as listener:
        listener.setsockopt(socket.IPPROTO_IP, IP_MINTTL, 255)
        listener.bind((ORIGIN, 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.fixture
def filtered(world: World) -> Iterator[int]:
    """Return a port that does not answer."""
    with world.running(_filtered()) as port:
        yield port


@pytest.fixture
def server(world: World) -> Iterator[SocksServer]:
    """Run the proxy."""
    with world.running(SocksServer(names={NAME: ORIGIN, ADDRESS: ORIGIN})) as made:
        yield made


def _start(world: World, prefix: Words, ports: list[object], host: str, *options: str) -> Command:
    words = ["nmap", "-sT", "-Pn", "-n", "-oX", "-", *options, "-p", ",".join(map(str, ports)), host]
    return world.start([*prefix, *words])


def _findings(scan: Command) -> Findings:
    """Wait for a scan's end; return what it says of the ports, one by one."""
    report, errors = scan.communicate(timeout=60)
    assert (scan.returncode, errors) == (0, b"")
    found = {}
    for port in ET.fromstring(report).iter("port"):
        said = {key: value for element in port for key, value in element.items()}
        found[int(port.attrib["portid"])] = {key: value for key, value in said.items() if key != "reason_ttl"}
    return found


def _scans(
    world: World, server: SocksServer, user: User, ports: list[object], *options: str
) -> list[Findings]:
    """Return the findings unwrapped, then wrapped by name and by address; the scans run at once."""
    wrapped = [*wrap(server.url), *user.words]
    places = [(user.words, ORIGIN), (wrapped, NAME), (wrapped, ADDRESS)]
    with contextlib.ExitStack() as stack:
        scans = [stack.enter_context(_start(world, prefix, ports, host, *options)) for prefix, host in places]
        return [_findings(scan) for scan in scans]


def test_nmap_tells_ports_apart(
    world: World, stage: Stage, server: SocksServer, user: User, filtered: int
) -> None:
    """Open, closed and filtered, each for the reason that it has unwrapped."""
    ports: list[object] = [CLOSED, stage.web.port, stage.sshd.port, filtered]
    # nmap lists only the rarer states port by port, unless it is to debug.
    truth, by_name, by_address = _scans(world, server, user, ports, "-d")
    assert {port: truth[port]["state"] for port in (1, stage.web.port, filtered)} == {
        1: "closed",
        stage.web.port: "open",
        filtered: "filtered",
    }
    assert len(truth) == 203
    assert by_name == truth
    assert by_address == truth
    assert {str(access.host) for access in server.log} == {NAME, ADDRESS}
    assert world.judge.leaks == []


def test_nmap_knows_services(world: World, stage: Stage, server: SocksServer, user: User) -> None:
    """One that speaks first, and one that answers; the probes are few."""
    with redis(world) as port:
        ports: list[object] = [CLOSED, stage.sshd.port, port]
        truth, by_name, by_address = _scans(world, server, user, ports, "-sV", "--version-light")
    assert truth[stage.sshd.port]["product"] == "OpenSSH"
    assert truth[port]["name"] == "redis"
    assert by_name == truth
    assert by_address == truth
    assert world.judge.leaks == []
