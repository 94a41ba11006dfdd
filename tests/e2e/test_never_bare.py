"""ld.so ignores an object that it cannot load and runs the program without: that must not happen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import proxywrap
from proxywrap.testing import Script
from proxywrap.uri import Scheme

from .kit.chains import chain
from .kit.clients import NAME, wrap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .kit.chains import Chain
    from .kit.world import World

SHIM = Path(proxywrap.__path__[0]).resolve() / "_preload.abi3.so"
OUT = f"tcp_connect 198.51.100.9 2001:db8:9::9 {NAME}"


@pytest.fixture(scope="module")
def refusing(shared_world: World) -> Iterator[Chain]:
    """Run a hop that reaches nothing, so that every packet to the outside is the program's own."""
    with chain(shared_world, [Scheme.SOCKS5], Script(refuse=111)) as made:
        yield made


def test_a_limit_of_the_address_space(world: World, refusing: Chain, compiled: Callable[[str], Path]) -> None:
    """Whatever the limit, a program that runs at all runs wrapped."""
    script = f"for n in $(seq 1500 50 9000); do (ulimit -v $n; exec {compiled('leaky')} {OUT}); done; true"
    result = world.run([*wrap(refusing.urls), "sh", "-c", script])
    assert world.judge.leaks == []
    assert "tcp_connect: -1" in result.text


@pytest.mark.parametrize(
    "change",
    [
        f"mount --bind {SHIM.parent} {SHIM.parent} && mount -o remount,bind,noexec {SHIM.parent}",
        f"mount --bind /etc/hostname {SHIM}",
    ],
    ids=["noexec", "another-file"],
)
def test_an_object_that_would_not_be_loaded(
    world: World, refusing: Chain, compiled: Callable[[str], Path], change: str
) -> None:
    """Where ld.so could not map it, or would find another file, the program is refused with one line."""
    script = f"{change} && exec {compiled('leaky')} {OUT}"
    result = world.run([*wrap(refusing.urls), "unshare", "-m", "bash", "-c", script], expect=126)
    assert world.judge.leaks == []
    assert any("the shim's file cannot be" in line for line in result.complaints)
