"""What a static program tries beside a plain connect(): no packet, and the shim's errnos."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from proxywrap.scheme import Scheme
from proxywrap.testing import Script

from .kit.chains import chain
from .kit.clients import NAME, PROGRAMS, wrap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .kit.building import Builder
    from .kit.chains import Chain
    from .kit.world import World

DEVICE = "leak0"
OUTSIDE = ["198.51.100.9", "2001:db8:9::9", NAME]
WAYS = re.findall(r"^\tWAY\((\w+),", (PROGRAMS / "leaky.c").read_text(), re.MULTILINE)
OTHERS = {
    "fastopen_sendto": "-1, Operation not supported",  # as where net.ipv4.tcp_fastopen is off
    "fastopen_sendmsg": "-1, Operation not supported",
    "ruserok": None,  # glibc's own, linked statically, looks for a password file that it has not
    "udp_connect": "4, Success",  # write() is not notified: the kernel takes it, to a dead end on this host
    "udp_connect_v6": "4, Success",
    "res_query": "43, Success",  # by glibc, on the way to whose answer no file is looked for
    "res_search": "43, Success",
    "res_send": "43, Success",
}
"""What is not as with the shim."""


@pytest.fixture(scope="module")
def refusing(shared_world: World) -> Iterator[Chain]:
    """Run a hop that reaches nothing, so that every packet to the outside is the program's own."""
    with chain(shared_world, [Scheme.SOCKS5], Script(refuse=111)) as made:
        yield made


def test_what_is_not_tcp(world: World, refusing: Chain, compiled: Builder) -> None:
    """The program says line by line, and the user is told, what it is with the shim."""
    shimmed = world.run([*wrap(refusing.urls), compiled("unusual"), DEVICE])
    filtered = world.run([*wrap(refusing.urls), compiled("unusual", "-static"), DEVICE])
    assert _but_writes(filtered.text) == _but_writes(shimmed.text)
    # By then the socket may have been told of what it had sent before, which is another error.
    assert "probe written: ok" not in filtered.text
    assert _but_counts(filtered.complaints) == _but_counts(shimmed.complaints)
    assert "raw: Operation not permitted" in filtered.text
    assert world.judge.leaks == []


def _but_writes(text: str) -> list[str]:
    """Return the lines but those of write(), which is not notified: a dead end takes what it sends."""
    return [line for line in text.splitlines() if not line.startswith(("write", "probe written"))]


def _but_counts(lines: list[str]) -> list[str]:
    """Return the lines without how often each was repeated: the first write() to a dead end is told of."""
    return [re.sub(r" \([0-9]+ times more\)", "", line) for line in lines]


@pytest.mark.parametrize("way", WAYS)
def test_a_way_out_is_shut(world: World, refusing: Chain, compiled: Builder, way: str) -> None:
    """Through the proxy or refused, as with the shim."""
    arguments = [way, *OUTSIDE]
    # glibc's resolver can be linked statically, and the linker warns of it.
    static = compiled("leaky", "-static", "-Wl,--no-warnings")
    filtered = world.run([*wrap(refusing.urls), static, *arguments], expect=None)
    assert world.judge.leaks == []
    if way not in OTHERS:
        assert filtered == world.run([*wrap(refusing.urls), compiled("leaky"), *arguments])
    elif OTHERS[way]:
        assert filtered.text == f"{way}: {OTHERS[way]}"


@pytest.mark.parametrize("way", ["device", "device-late", "loopback", "unicast", "route", "tcp-device"])
def test_a_device_or_a_route(world: World, refusing: Chain, compiled: Builder, way: str) -> None:
    """Is refused where it would lead out, as by the shim."""
    filtered = world.run([*wrap(refusing.urls), compiled("ways", "-static"), way, DEVICE])
    assert filtered == world.run([*wrap(refusing.urls), compiled("ways"), way, DEVICE])
    assert world.judge.leaks == []


@pytest.mark.parametrize("way", ["message", "message-connected"])
def test_a_message_with_a_device_of_its_own(
    world: World, refusing: Chain, compiled: Builder, way: str
) -> None:
    """The helper sends it, to our name server, and not by that device."""
    filtered = world.run([*wrap(refusing.urls), compiled("ways", "-static"), way, DEVICE])
    assert filtered.text.endswith("ask: ok")
    assert world.judge.leaks == []
