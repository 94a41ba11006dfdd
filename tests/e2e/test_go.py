"""Go programs, which call the kernel past every C library: many at once, given up, killed."""

from __future__ import annotations

import os
import signal
import subprocess
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from proxywrap.scheme import Scheme
from proxywrap.testing import Script

from .kit.chains import chain
from .kit.clients import NAME, PROXYWRAP, wrap
from .kit.helping import comes_true, helper_of
from .kit.origins import ORIGIN, PAYLOAD_DIGEST
from .kit.scripted import script
from .kit.world import factor

if TYPE_CHECKING:
    from pathlib import Path

    from .kit.building import Builder
    from .kit.chains import Chain
    from .kit.clients import Stage, Words
    from .kit.world import Command, World

FREED_WITHIN_S = 1.5
SLACK_KIB = 3 * 1024
REMOTE = "198.51.100.9:80"


@pytest.fixture(params=[False, True], ids=["static", "cgo"])
def dialler(request: pytest.FixtureRequest, compiled: Builder) -> Path:
    """Return the Go program, of either kind."""
    return compiled.go("dialler", has_cgo=request.param)


@pytest.mark.parametrize("host", [NAME, ORIGIN], ids=["name", "address"])
def test_http(world: World, stage: Stage, three_hops: Chain, dialler: Path, host: str) -> None:
    """What is asked of the chain is the name, or the address, and every byte arrives."""
    url = f"http://{host}:{stage.web.port}/bytes"
    command = [*wrap(three_hops.urls, "--engine", "auto"), dialler, "get", url]
    if host == ORIGIN:  # a loopback address is direct unless it is said otherwise
        command = [*_with_loopback(world, three_hops), dialler, "get", url]
    assert world.run(command).text == PAYLOAD_DIGEST
    assert three_hops.asked_of(-1) == {host}


def _with_loopback(world: World, hops: Chain) -> Words:
    configuration = world.directory / "loopback.conf"
    configuration.write_text("\n".join(["proxy_loopback", "[ProxyList]", *hops.urls, ""]))
    return [PROXYWRAP, "-f", configuration, "--"]


def test_fifty_at_once(world: World, stage: Stage, one_hop: Chain, dialler: Path) -> None:
    """Each gets all of it."""
    result = world.run([*wrap(one_hop.urls), dialler, "get-many", f"{stage.url}/bytes", "50"])
    assert result.text == f"50 {PAYLOAD_DIGEST}"
    assert len(one_hop.servers[0].log) == 50


def test_a_refused_port(world: World, dialler: Path) -> None:
    """Is what Go calls it."""
    with chain(world, [Scheme.SOCKS5], Script(refuse=111)) as refusing:
        result = world.run([*wrap(refusing.urls), dialler, "get", f"http://{REMOTE}/"], expect=1)
    assert result.text == "connection refused"
    assert result.complaints == []


def _read_round(process: Command) -> list[str]:
    """Return what is said before a line `over`."""
    assert process.stdout is not None
    said: list[str] = []
    while (line := process.stdout.readline().decode().rstrip("\n")) != "over":
        assert line, process.communicate()[1].decode()
        said.append(line)
    return said


def _next_round(process: Command) -> list[str]:
    assert process.stdin is not None
    process.stdin.write(b"\n")
    process.stdin.flush()
    return _read_round(process)


@pytest.mark.parametrize(("verb", "outcome"), [("timeout", "timeout"), ("cancel", "cancelled")])
def test_a_dial_that_is_given_up(world: World, dialler: Path, verb: str, outcome: str) -> None:
    """Returns on time where the proxy is silent, and nothing of it stays in the helper."""
    with world.running(script(None)) as silent:
        command = [*wrap(f"socks5://127.0.0.1:{silent.port}"), dialler, verb, REMOTE, "500", "40"]
        with world.start(command, stdin=subprocess.PIPE) as process:
            _expect_given_up(_read_round(process), outcome)
            helper = helper_of(process)
            assert comes_true(lambda: helper.descriptors() < 40, FREED_WITHIN_S), helper.descriptors()
            before, memory = helper.descriptors(), helper.resident_kib()
            for _ in range(3):
                _expect_given_up(_next_round(process), outcome)
                assert comes_true(lambda: helper.descriptors() <= before, FREED_WITHIN_S), (
                    helper.descriptors()
                )
            assert helper.resident_kib() < memory + SLACK_KIB
            process.communicate(timeout=10 * factor())


def _expect_given_up(said: list[str], outcome: str) -> None:
    """Each of the 40 ended so, and in less than a second and a half."""
    ends: Counter[str] = Counter()
    for line in said:
        count, what, tenths = line.split()
        assert 4 <= int(tenths) < 15 * factor(), said
        ends[what] += int(count)
    assert ends == {outcome: 40}


def test_a_thousand_at_once(world: World, stage: Stage, one_hop: Chain, dialler: Path) -> None:
    """All are connected, and all are let go of."""
    address = f"{NAME}:{stage.echo.port}"
    with world.start(
        [*wrap(one_hop.urls), dialler, "hold", address, "1000"], stdin=subprocess.PIPE
    ) as process:
        assert _read_round(process) == ["1000 connected"]
        assert process.communicate(timeout=20 * factor())[1] == b""
        assert process.returncode == 0


SHELL = """\
exec 3<&0
read -r hello
echo "$hello"
while read -r verb && [ "$verb" ]; do "$@" <&3 & echo $!; done
"""


@pytest.mark.parametrize("is_silent", [False, True], ids=["connected", "connecting"])
def test_killed_in_the_middle(
    world: World, stage: Stage, one_hop: Chain, dialler: Path, *, is_silent: bool
) -> None:
    """The helper has no more descriptors open than before, and hardly more memory."""
    with world.running(script(None)) as silent:
        url = f"socks5://127.0.0.1:{silent.port}" if is_silent else one_hop.urls[0]
        address = REMOTE if is_silent else f"{NAME}:{stage.echo.port}"

        def kill_one() -> None:
            wanted = silent.connections + 200
            pid = int(_say(process, "go"))
            if is_silent:
                assert comes_true(lambda: silent.connections == wanted, 20), silent.connections
            else:
                assert _read_round(process) == ["200 connected"]
            assert helper.descriptors() > 200
            os.kill(pid, signal.SIGKILL)
            assert comes_true(lambda: helper.descriptors() < 40, FREED_WITHIN_S), helper.descriptors()

        command = [*wrap(url), "sh", "-c", SHELL, "sh", dialler, "hold", address, "200"]
        with world.start(command, stdin=subprocess.PIPE) as process:
            assert _say(process, "hello") == "hello"
            helper = helper_of(process)
            kill_one()
            before, memory = helper.descriptors(), helper.resident_kib()
            for _ in range(3):
                kill_one()
            assert comes_true(lambda: helper.descriptors() <= before, FREED_WITHIN_S), helper.descriptors()
            assert helper.resident_kib() < memory + SLACK_KIB
            process.communicate(b"\n", timeout=10 * factor())


def _say(process: Command, line: str) -> str:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(line.encode() + b"\n")
    process.stdin.flush()
    return process.stdout.readline().decode().rstrip("\n")
