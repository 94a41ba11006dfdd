"""`proxywrapctl check` on real proxies: it says what connections do, and goes the way that they go."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from .kit.clients import NAME, PROXYWRAP
from .kit.world import factor

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .kit.clients import Stage, Words
    from .kit.world import World

CTL = PROXYWRAP.with_name("proxywrapctl")

HIDDEN = "192.0.2.99:1080"
"""A proxy that only the one before it may be asked for: the judge sees who goes there by himself."""


def check(world: World, *words: object) -> dict[str, Any]:
    """Return what the command finds."""
    result = world.run([CTL, "check", "--json", *words], expect=None)
    assert result.stdout, result.stderr
    found = json.loads(result.stdout)
    assert isinstance(found, dict)
    assert found["is_good"] is (result.returncode == 0), result.stderr
    return found


def through(url: str, scheme: str) -> str:
    """Return the URL of the same place, spoken to by another protocol."""
    return f"{scheme}://{url.partition('://')[2]}"


@pytest.mark.case("check-identifies")
def test_what_is_no_socks_proxy_is_named_in_seconds(world: World, proxy: Callable[[str], str]) -> None:
    """An HTTP server waits on for the rest of a line: it is asked in its own language meanwhile."""
    place = proxy("tinyproxy").partition("://")[2]
    began_s = time.monotonic()
    found = check(world, "-x", f"socks5://{place}", "-x", f"http://{HIDDEN}")
    took_s = time.monotonic() - began_s
    assert found["hops"][0]["advice"] == f"an HTTP proxy listens there: write http://{place}"
    assert found["hops"][1]["blocked_by"] == f"socks5://{place}"
    assert took_s < 3 * factor()


@pytest.mark.case("check-identifies")
@pytest.mark.parametrize("kind", ["dynamic_chain", "random_chain"])
def test_a_chain_that_goes_on_without_such_a_server_is_as_quick(
    world: World, tmp_path: Path, proxy: Callable[[str], str], kind: str
) -> None:
    """A connection learns of it by the end of its time-out: `check` does not wait for that."""
    url = proxy("tinyproxy")
    place = url.partition("://")[2]
    file = tmp_path / "mistaken.conf"
    file.write_text(f"{kind}\n[ProxyList]\nsocks5://{place}\nsocks4://{place}\n{url}\n")
    began_s = time.monotonic()
    found = check(world, "-f", file)
    took_s = time.monotonic() - began_s
    assert found["is_good"], found
    assert found["chains"][0]["hops"] == [url]
    assert set(found["chains"][0]["left_out"]) == {f"socks5://{place}", f"socks4://{place}"}
    assert found["hops"][1]["advice"] == f"an HTTP proxy listens there: write http://{place}"
    assert took_s < 4 * factor()


SERVERS = [
    ("ssh-D", "socks4"),
    ("ssh-D", "socks4a"),
    ("ssh-D", "socks5"),
    ("ssh-D", "socks5h"),
    ("dante", "socks5"),
    ("microsocks", "socks5"),
    ("tinyproxy", "http"),
]


@pytest.mark.case("check-ssh-d")
@pytest.mark.parametrize(("server", "scheme"), SERVERS)
def test_a_server_that_works_is_found_good(
    world: World, stage: Stage, proxy: Callable[[str], str], server: str, scheme: str
) -> None:
    """Alone, and with a destination: what says no by closing the connection is no broken proxy."""
    url = through(proxy(server), scheme)
    found = check(world, "-x", url)
    assert found["is_good"], found
    assert found["hops"][0]["is_good"], found["hops"]
    found = check(world, "-x", url, "--to", f"{NAME}:{stage.echo.port}")
    assert found["is_good"], found
    assert found["hops"][0]["is_good"], found["hops"]
    assert world.judge.leaks == []


@pytest.mark.case("check-through")
@pytest.mark.parametrize(("server", "scheme"), [*SERVERS[:3], ("dante", "socks5"), ("tinyproxy", "http")])
@pytest.mark.parametrize("kind", ["strict_chain", "dynamic_chain"])
def test_a_proxy_behind_another_is_tried_through_it(
    world: World, tmp_path: Path, proxy: Callable[[str], str], server: str, scheme: str, kind: str
) -> None:
    """Not a packet goes to it from here, whether it can be reached from there or not."""
    url = through(proxy(server), scheme)
    file = tmp_path / "chain.conf"
    file.write_text(f"{kind}\n[ProxyList]\n{url}\nsocks5://{HIDDEN}\n")
    # The proxies live in the same namespace, so what the first one sends is seen, too: it is let do nothing.
    file.write_text(f"{kind}\n[ProxyList]\n{url}\nsocks5 127.0.0.1 1\n")
    found = check(world, "-f", file)
    first, second = found["hops"]
    assert first["is_good"], first
    assert second["through"] == [url]
    assert not second["is_good"]
    assert f"cannot be reached, says {url}" in second["advice"]
    assert found["is_good"] is (kind == "dynamic_chain"), found["chains"]


@pytest.mark.case("check-through")
def test_nothing_is_dialled_past_a_proxy_that_leads_nowhere(world: World, tmp_path: Path) -> None:
    """What is behind a dead proxy is not tried: no packet goes to a host that only the proxy may know."""
    file = tmp_path / "chain.conf"
    file.write_text(f"strict_chain\n[ProxyList]\nsocks5 127.0.0.1 1\nsocks5://{HIDDEN}\nhttp://{HIDDEN}\n")
    found = check(world, "-f", file)
    assert [hop["is_good"] for hop in found["hops"]] == [False] * 3
    assert [hop["blocked_by"] for hop in found["hops"]] == [None, *["socks5://127.0.0.1:1"] * 2]
    assert found["hops"][2]["advice"] == "not tried: socks5://127.0.0.1:1 does not lead to it"
    assert world.judge.leaks == []


def connect(world: World, words: Words, destination: str, port: int) -> dict[str, Any]:
    """Make one real connection; return which proxies it used and which were left out."""
    log = world.directory / "check.log"
    log.unlink(missing_ok=True)
    world.run([PROXYWRAP, *words, "--log", log, "--", "nc", "-z", destination, str(port)], expect=None)
    events = [json.loads(line) for line in log.read_text().splitlines()]
    (hops,) = [event["hops"] for event in events if event["event"] == "connected"] or [None]
    return {"hops": hops, "left_out": {event["hop"] for event in events if event["event"] == "skipped"}}


@pytest.mark.case("check-agrees")
@pytest.mark.parametrize(
    "lines",
    [
        ["socks5 127.0.0.1 1", "{ssh-D}"],
        ["{ssh-D}", "socks5 127.0.0.1 1"],
        ["socks4{ssh-D}", "{microsocks}"],
        ["{microsocks}", "http 127.0.0.1 1", "{ssh-D}"],
        ["socks4{ssh-D}", "socks5 127.0.0.1 1", "{tinyproxy}"],
        ["{dante}", "socks5{tinyproxy}", "{microsocks}"],
    ],
)
def test_a_dynamic_chain_is_said_to_do_what_connections_do(
    world: World, stage: Stage, tmp_path: Path, proxy: Callable[[str], str], lines: list[str]
) -> None:
    """The proxies that are used and those that are left out are the same ones."""
    urls = []
    for line in lines:
        scheme, brace, name = line.partition("{")
        url = proxy(name.rstrip("}")) if brace else ""
        urls.append(through(url, scheme) if scheme and url else url or line)
    file = tmp_path / "dynamic.conf"
    file.write_text("\n".join(["dynamic_chain", "tcp_read_time_out 3000", "[ProxyList]", *urls, ""]))
    (chain,) = check(world, "-f", file, "--to", f"{NAME}:{stage.echo.port}")["chains"]
    made = connect(world, ["-f", file], NAME, stage.echo.port)
    assert chain["is_good"]
    assert {"hops": chain["hops"], "left_out": set(chain["left_out"])} == made
