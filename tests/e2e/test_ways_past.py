"""Ways past a preloaded library that need no trick: devices, routes, other names, an environment in use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from proxywrap.scheme import Scheme
from proxywrap.testing import Script

from .kit.chains import Chain, chain
from .kit.clients import wrap

DEVICE = "leak0"

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from .kit.world import World


@pytest.fixture(scope="module")
def refusing(shared_world: World) -> Iterator[Chain]:
    """Run a proxy that refuses every destination, so that nothing can come of anything."""
    with chain(shared_world, [Scheme.SOCKS5], Script(refuse=111)) as made:
        yield made


@pytest.mark.parametrize(
    ("way", "said"),
    [
        ("device", ["device: ok", "ask: Network is unreachable"]),
        ("device-late", ["connect: ok", "device: Operation not permitted"]),
        ("loopback", ["device: ok", "ask: ok"]),
        ("message", ["ask: Network is unreachable"]),
        ("message-connected", ["connect: ok", "ask: Network is unreachable"]),
        ("unicast", ["option: ok", "ask: Network is unreachable"]),
        ("route", ["option: Operation not permitted", "ask: ok"]),
        ("sticky", ["option: Operation not permitted", "ask: ok"]),
        ("message-v6", ["ask: Network is unreachable"]),
        ("message-old", ["ask: Network is unreachable"]),
        ("tcp-device", ["device: ok", "connect: Network is unreachable"]),
        ("other-name", ["connect: Connection refused"]),
    ],
)
def test_a_device_or_a_route(
    world: World, refusing: Chain, compiled: Callable[..., Path], way: str, said: list[str]
) -> None:
    """A packet to loopback that a device would send out is refused; so is what has another name."""
    result = world.run([*wrap(refusing.urls), compiled("ways"), way, DEVICE])
    assert result.text.splitlines() == said
    assert world.judge.leaks == []


@pytest.mark.parametrize(
    ("way", "said"),
    [
        ("device", ["device: ok", "ask: Network is unreachable"]),
        ("device-late", ["connect: ok", "device: Operation not permitted"]),
        ("loopback", ["device: ok", "ask: ok"]),
        ("message", ["ask: ok"]),
        ("message-connected", ["connect: ok", "ask: ok"]),
        ("unicast", ["option: ok", "ask: Network is unreachable"]),
        ("route", ["option: Operation not permitted", "ask: ok"]),
        ("sticky", ["option: Operation not permitted", "ask: ok"]),
        ("message-v6", ["ask: ok"]),
        ("message-old", ["ask: ok"]),
        ("tcp-device", ["device: ok", "connect: Network is unreachable"]),
    ],
)
def test_a_filtered_program_s_device_or_route(
    world: World, refusing: Chain, compiled: Callable[..., Path], way: str, said: list[str]
) -> None:
    """Likewise; a device that a message names is passed over: it goes to loopback."""
    result = world.run([*wrap(refusing.urls, "--engine", "seccomp"), compiled("ways"), way, DEVICE])
    assert result.text.splitlines() == said
    assert world.judge.leaks == []


@pytest.mark.parametrize("engine", ["preload", "seccomp"])
def test_a_device_for_all_datagrams_is_named_so(
    world: World, refusing: Chain, compiled: Callable[..., Path], engine: str
) -> None:
    """The line is about IPV6_PKTINFO, and not about a peer that the socket does not have."""
    result = world.run([*wrap(refusing.urls, "--engine", engine), compiled("ways"), "sticky", DEVICE])
    said = "proxywrap: refused another device for datagrams: it would lead past the proxies"
    assert result.complaints == [said]


@pytest.mark.parametrize(
    "way", ["device", "message", "unicast", "sticky", "message-v6", "message-old", "other-name"]
)
def test_the_judge_sees_them(world: World, compiled: Callable[..., Path], way: str) -> None:
    """Unwrapped each of them leaks."""
    world.run([compiled("ways"), way, DEVICE])
    assert world.judge.acquit() != []


def test_a_number_that_changes_its_meaning(
    world: World, refusing: Chain, compiled: Callable[..., Path]
) -> None:
    """What the kernel is let carry out, for a socket of this host only, it does not do with another one."""
    result = world.run(
        [*wrap(refusing.urls, "-q", "--engine", "seccomp"), compiled("renumber"), "198.51.100.9", 9],
        timeout=100,
    )
    assert result.text == "done"
    assert world.judge.leaks == []


def test_shells_of_a_program_that_changes_its_environment(
    world: World, refusing: Chain, compiled: Callable[..., Path]
) -> None:
    """Every one is wrapped; neither other threads nor a cancellation harm the environment."""
    result = world.run([*wrap(refusing.urls), compiled("shells")], timeout=100)
    assert result.text == "0 yes"
