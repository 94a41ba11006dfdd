"""Datagram sockets that are connected beyond this host: they tell of routes, and send nothing."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import pytest

from .kit.clients import NAME, wrap
from .kit.world import UNREACHABLE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .kit.building import Builder
    from .kit.chains import Chain
    from .kit.world import World

PLACES = [
    *("198.51.100.7", 80, "198.51.100.7", 0, UNREACHABLE, 80, "127.0.0.1", 9, "224.0.0.251", 5353),
    *("2001:db8:9::9", 443, "2001:db8:9::9", 9, "::1", 9, "::ffff:198.51.100.7", 80),
]
PROGRAMS: dict[str, Callable[[Builder], Path]] = {
    "glibc": lambda compiled: compiled("astray"),
    "musl": lambda compiled: compiled("astray", compiler="musl-gcc"),
    "static": lambda compiled: compiled("astray", "-static", compiler="musl-gcc"),
}
ENGINES = [
    *(("glibc", engine) for engine in ("auto", "both", "seccomp")),
    ("musl", "auto"),
    ("musl", "seccomp"),
    ("static", "auto"),
]
WAYS = ["send", "sendmsg", "sendmmsg", "write", "writev", "stdio"]
REFUSED = "(Network (is )?unreachable|Connection refused|Broken pipe)"


@pytest.mark.case("udp-connect-route")
@pytest.mark.parametrize(("libc", "engine"), ENGINES)
def test_a_connected_socket_tells_its_route(
    world: World, one_hop: Chain, compiled: Builder, libc: str, engine: str
) -> None:
    """Own address, peer and errors are what they are unwrapped, also of a socket that is connected again."""
    command = [PROGRAMS[libc](compiled), "look", *PLACES]
    truth = world.run(command)
    assert "198.51.100.7: from 192.0.2.2 to 198.51.100.7 80" in truth.text
    assert "2001:db8:9::9: from 2001:db8::2 to 2001:db8:9::9 443" in truth.text
    found = world.run([*wrap(one_hop.urls, "--engine", engine), *command])
    assert found.text == truth.text
    assert found.complaints == []
    assert world.judge.leaks == []


@pytest.mark.case("udp-connect-send")
@pytest.mark.parametrize("verb", ["send", "copy"])
@pytest.mark.parametrize(("libc", "engine"), ENGINES)
def test_what_it_sends_is_refused(
    world: World, one_hop: Chain, compiled: Builder, libc: str, engine: str, verb: str
) -> None:
    """By whatever call: an error, no packet, and one line that has the name that was asked for."""
    command = [PROGRAMS[libc](compiled), verb, NAME, 4433]
    found = world.run([*wrap(one_hop.urls, "--engine", engine), *command])
    outcomes = found.text.splitlines()
    assert outcomes[::2] == ["connect done"] * len(WAYS)
    for way, outcome in zip(WAYS, outcomes[1::2], strict=True):
        assert re.fullmatch(f"{way} {REFUSED}", outcome)
    # Of libc's own calls within stdio nobody hears but the kernel, and the filter where it is alone.
    untold = libc != "static" and engine != "seccomp"
    line = f"proxywrap: refused UDP to {NAME}:4433: proxywrap carries TCP only"
    assert found.complaints == [line, f"{line} ({len(WAYS) - 1 - untold} times more)"]
    assert world.judge.leaks == []


@pytest.mark.case("udp-connect-send")
def test_a_socket_that_another_program_inherits(world: World, one_hop: Chain) -> None:
    """What was connected by one program sends nothing by another, that knows nothing of it."""
    script = (
        "import socket, subprocess, sys; s = socket.socket(type=socket.SOCK_DGRAM);"
        "s.connect(('198.51.100.7', 80));"
        "sys.exit(subprocess.run(['sh', '-c', f'echo x >&{s.fileno()}'], pass_fds=[s.fileno()]).returncode)"
    )
    found = world.run([*wrap(one_hop.urls), sys.executable, "-c", script], expect=1)
    assert b"Broken pipe" in found.stderr or b"I/O error" in found.stderr
    assert world.judge.leaks == []
