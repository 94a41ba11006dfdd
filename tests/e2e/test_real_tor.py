"""A Tor without a network, which answers some questions and refuses others all by itself."""

from __future__ import annotations

import json
import sys
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

import pytest

from .kit import foreign
from .kit.clients import NAME, PROGRAMS, PROXYWRAP, wrap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .kit.world import World

TRUE = "8.8.4.4"
ONION = "not-one.onion"
VIRTUAL = ip_network("9.9.0.0/16")
RESOLVE = [sys.executable, PROGRAMS / "resolve.py"]
each_way = pytest.mark.parametrize("pipeline", ["", "&pipeline=1"])


@pytest.fixture(scope="module")
def tor(shared_world: World) -> Iterator[str]:
    """Run one for all tests."""
    with foreign.tor(shared_world, {NAME: TRUE}) as url:
        yield url


def configured(world: World, url: str, rules: str) -> list[object]:
    """Return the prefix with a file of that proxy and these rules."""
    file = world.directory / "real-tor.conf"
    file.write_text(f"[ProxyList]\n{url}\n[rules]\n{rules}\n")
    return wrap([], "-f", file)


@each_way
@pytest.mark.parametrize("isolate", ["process", "destination"])
def test_credentials_that_it_takes(world: World, tor: str, isolate: str, pipeline: str) -> None:
    """It refuses what is no onion service behind them, at once."""
    argv = [*wrap(f"{tor}?isolate={isolate}{pipeline}"), "curl", "-sS", f"http://{ONION}/"]
    assert world.run(argv, expect=7).complaints[0] == (
        f"proxywrap: {ONION}: {tor}: general failure of the proxy (REP 1): its own log says why: "
        "it could not resolve the name, or not reach its host"
    )
    assert world.judge.leaks == []


@each_way
def test_credentials_that_it_refuses(world: World, tor: str, pipeline: str) -> None:
    """Those that begin as ours do, and go on in a way that it does not know: it says so, or hangs up."""
    said = "the user name and password were refused (status 1): check them in the proxy's URL"
    if pipeline:
        said = (
            "closed the connection in the middle of the handshake: is it a SOCKS5 proxy, and may you use it? "
            "`proxywrapctl check` finds out."
        )
    url = tor.replace("//", "//%3CtorS0X%3E9:secret@")
    result = world.run([*wrap(f"{url}?tor=1{pipeline}"), "getent", "hosts", "8.8.8.8"], expect=2)
    assert result.complaints[0] == f"proxywrap: {tor.replace('//', '//***@')}: {said}"
    assert "secret" not in result.stderr.decode()
    assert world.judge.leaks == []


@each_way
@pytest.mark.parametrize("isolate", ["", "&isolate=process"])
def test_addresses_and_names(world: World, tor: str, isolate: str, pipeline: str) -> None:
    """One that it is told, and knows both ways, and one that it makes up."""
    prefix = configured(world, f"{tor}?tor=1{isolate}{pipeline}", "resolve remote *.test *.auto")
    script = f"""
        dig +short {NAME}; {" ".join(map(str, RESOLVE))} host.auto
        getent hosts {TRUE}; dig +short -x {TRUE}
    """
    mapped, virtual, *names = world.run([*prefix, "sh", "-c", script]).text.split()
    assert mapped == TRUE
    assert ip_address(virtual) in VIRTUAL
    assert names == [TRUE, NAME, f"{NAME}."]
    assert world.judge.leaks == []


def test_what_it_cannot_find_out(world: World, tor: str) -> None:
    """It says so of a name and of an address in the one way that it has: there is none."""
    prefix = configured(world, f"{tor}?tor=1", "resolve remote *.example")
    script = "getent hosts far.example; getent hosts 8.8.8.8; dig +time=10 far.example | grep -o NXDOMAIN"
    result = world.run([*prefix, "sh", "-c", script])
    assert (result.text, result.stderr) == ("NXDOMAIN", b"")
    assert world.judge.leaks == []


def test_check(world: World, tor: str) -> None:
    """`proxywrapctl check` finds a Tor that looks names up."""
    argv = [PROXYWRAP.with_name("proxywrapctl"), "check", "--json", "-x", f"{tor}?tor=1&isolate=process"]
    hop = json.loads(world.run(argv, expect=None).text)["hops"][0]
    assert hop["authentication"] == "accepted"
    assert "RESOLVE" not in str(hop["advice"])
    assert world.judge.leaks == []
