"""The judge itself: what it would overlook, every other test would overlook."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from .kit.clients import NAME, PROGRAMS
from .kit.origins import PAYLOAD_DIGEST
from .kit.trace import Trace
from .kit.world import NAMESERVER, STUB

if TYPE_CHECKING:
    from collections.abc import Callable

    from .kit.clients import Stage
    from .kit.world import World


def test_an_unwrapped_program_is_seen_asking_for_the_name(world: World) -> None:
    """The nameserver beyond the device and the stub on loopback both count as leaks."""
    world.run(["curl", "-sS", f"http://{NAME}/"], expect=6)
    assert {leak.destination for leak in world.judge.acquit()} == {NAMESERVER, STUB}


def test_an_unwrapped_program_is_seen_dialling(world: World) -> None:
    """A SYN to an address outside is a leak, by IPv4 and by IPv6."""
    world.run(["curl", "-sS", "-m", "0.2", "http://198.51.100.9:8080/"], expect=28)
    world.run(["curl", "-sS", "-m", "0.2", "http://[2001:db8:1::9]:8080/"], expect=28)
    leaks = world.judge.acquit()
    assert {(leak.kind, leak.destination) for leak in leaks} == {
        ("tcp", "198.51.100.9"),
        ("tcp", "2001:db8:1::9"),
    }
    assert all(leak.detail.startswith("port 8080") for leak in leaks)


def test_one_datagram_is_a_leak(world: World) -> None:
    """A single datagram that nobody answers is seen although its sender ends at once."""
    world.run([sys.executable, PROGRAMS / "one_datagram.py", "198.51.100.7", "443"])
    assert [(leak.kind, leak.destination) for leak in world.judge.acquit()] == [("udp", "198.51.100.7")]


def test_a_question_by_tcp_to_the_stub_is_a_leak(world: World) -> None:
    """A connection to port 53 of the stub counts before anything is said on it."""
    world.run(["nc", "-z", STUB, "53"])
    assert [leak.kind for leak in world.judge.acquit()] == ["query"]


def test_the_trace_sees_what_is_dialled(world: World, stage: Stage) -> None:
    """By any process below the command, and every command that shares the file."""
    trace = Trace(world.directory / "trace")
    for host in ("127.0.0.2", "[::ffff:127.0.0.2]"):
        world.run([*trace.prefix(), "sh", "-c", f"curl -sS http://{host}:{stage.web.port}/; true"])
    world.run([*trace.prefix(), sys.executable, PROGRAMS / "one_datagram.py", "127.0.0.9", "443"])
    assert trace.dialled() == {("127.0.0.2", stage.web.port), ("127.0.0.9", 443)}
    trace.file.unlink()


def test_a_program_with_its_own_socks_client_leaks_nothing(
    world: World,
    stage: Stage,
    proxy: Callable[[str], str],
) -> None:
    """The world itself makes no noise: what is seen later is the wrapper's doing."""
    at = proxy("microsocks").partition("//")[2]
    result = world.run(["curl", "-sS", "--socks5-hostname", at, "-T", stage.upload, f"{stage.url}/digest"])
    assert result.text == PAYLOAD_DIGEST
    assert world.judge.leaks == []
