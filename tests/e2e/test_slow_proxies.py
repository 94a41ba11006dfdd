"""Proxies that never end an answer: a time limit is one for the whole answer, not for each byte of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from .kit.clients import NAME, PROXYWRAP
from .kit.slow import SLOW, slow

if TYPE_CHECKING:
    from pathlib import Path

    from .kit.clients import Stage, Words
    from .kit.world import World

LIMIT_S = 1.0


def configured(tmp_path: Path, line: str, kind: str = "strict_chain") -> Path:
    """Return a file with one proxy, which has a second for each answer."""
    file = tmp_path / "slow.conf"
    times = f"tcp_read_time_out {LIMIT_S * 1000:.0f}\ntcp_connect_time_out 2000"
    file.write_text(f"{kind}\n{times}\n[ProxyList]\n{line}\n")
    return file


TIMED_OUT, NO_ROUTE = 28, 7
"""Curl's statuses for ETIMEDOUT, which is not its own limit, and for EHOSTUNREACH."""


def fetch(world: World, prefix: Words, url: str, status: int = TIMED_OUT) -> tuple[list[str], float]:
    """Fetch what cannot be had; return the complaints and how long it took."""
    began_s = time.monotonic()
    result = world.run([*prefix, "curl", "-sS", "-m", "12", url], expect=None)
    assert result.returncode == status, result.stderr
    return result.complaints, time.monotonic() - began_s


CASES = [
    *(("auto", kind) for kind in SLOW),
    ("seccomp", "socks5"),
    ("seccomp", "http"),
    ("seccomp", "tickets"),
]


@pytest.mark.case("proxy-slow-answer")
@pytest.mark.parametrize(("engine", "kind"), CASES)
def test_an_answer_that_never_ends(
    world: World, stage: Stage, tmp_path: Path, engine: str, kind: str
) -> None:
    """The connection fails, by the time limit of the answer, and the line says that it was too slow."""
    with world.running(slow(kind)) as line:
        prefix: Words = [PROXYWRAP, "-f", configured(tmp_path, line), "--engine", engine, "--"]
        complaints, took_s = fetch(world, prefix, stage.url)
    assert took_s < 8
    complaint = complaints[0]
    assert "did not answer within 1 s" in complaint


@pytest.mark.case("proxy-slow-answer")
@pytest.mark.parametrize("kind", ["socks5", "http"])
def test_an_answer_that_never_ends_to_a_connection_that_stood_ready(
    world: World, stage: Stage, tmp_path: Path, kind: str
) -> None:
    """What was made beforehand has the same limit."""
    with world.running(slow(kind)) as line:
        # The first fetch has the reserve made; the second one begins with it.
        script = f"curl -sS -m 12 {stage.url}; sleep 0.5; exec curl -sS -m 12 {stage.url}"
        prefix: Words = [PROXYWRAP, "-f", configured(tmp_path, f"{line} warm=1"), "--", "sh", "-c", script]
        began_s = time.monotonic()
        result = world.run(prefix, expect=None)
    assert result.returncode == 28
    assert time.monotonic() - began_s < 12
    assert "did not answer within 1 s" in result.complaints[0]


@pytest.mark.case("proxy-slow-answer")
@pytest.mark.parametrize("kind", ["http", "tickets", "ssh"])
def test_check_does_not_wait_for_it_either(world: World, tmp_path: Path, kind: str) -> None:
    """It says so of the proxy, and ends."""
    with world.running(slow(kind)) as line:
        began_s = time.monotonic()
        ctl = PROXYWRAP.with_name("proxywrapctl")
        result = world.run([ctl, "check", "-f", configured(tmp_path, line)], expect=1)
        assert time.monotonic() - began_s < 15, result.text


@pytest.mark.case("proxy-slow-answer")
def test_a_chain_goes_on_without_it(world: World, tmp_path: Path) -> None:
    """A dynamic chain takes it for a dead one, as it takes one that is silent."""
    with world.running(slow("socks5")) as line, world.running(slow("http")) as other:
        file = configured(tmp_path, f"{other}\n{line}", "dynamic_chain")
        complaints, took_s = fetch(world, [PROXYWRAP, "-f", file, "--"], f"http://{NAME}/", NO_ROUTE)
    assert took_s < 10
    assert complaints
