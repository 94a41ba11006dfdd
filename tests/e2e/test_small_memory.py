"""Under small limits of memory ld.so may not be able to map the shim: no program runs without it."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest

from proxywrap.scheme import Scheme
from proxywrap.testing import Script

from .kit.chains import chain
from .kit.clients import wrap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from .kit.chains import Chain
    from .kit.clients import Words
    from .kit.world import World

LARGE = 256 << 20
"""Of a program's own: the launcher lives under a limit that leaves that program next to nothing."""

TIGHT = ["prlimit", f"--data={LARGE + (128 << 10)}:"]


@pytest.fixture(scope="module")
def refusing(shared_world: World) -> Iterator[Chain]:
    """Run a hop that reaches nothing, so that every packet to the outside is the program's own."""
    with chain(shared_world, [Scheme.SOCKS5], Script(refuse=errno.ECONNREFUSED)) as made:
        yield made


@pytest.mark.case("trap-little-memory")
@pytest.mark.parametrize("engine", ["preload", "auto", "both"])
@pytest.mark.parametrize("compiler", ["cc", "musl-gcc"])
def test_at_no_size_is_a_program_bare(
    world: World, refusing: Chain, compiled: Callable[..., Path], compiler: str, engine: str
) -> None:
    """Whatever RLIMIT_DATA or RLIMIT_AS is, and whoever starts it: not a packet leaves past the proxies."""
    program = compiled("small_memory", compiler=compiler)
    script = f"{program} turns data 0 4 400; {program} turns space 0 12 2900; {program} dial"
    result = world.run([*wrap(refusing.urls, "--engine", engine), "sh", "-c", script])
    assert world.judge.leaks == []
    assert result.text.splitlines()[-1] == f"dialled: {errno.EINPROGRESS}"


@pytest.mark.parametrize("way", ["execve", "vfork", "posix_spawn"])
def test_what_there_is_no_room_for_is_refused(
    world: World, refusing: Chain, compiled: Callable[..., Path], way: str
) -> None:
    """By the shim alone: EACCES to the caller, and one line that says what to do."""
    program = compiled("small_memory", compiler="musl-gcc")
    command: Words = [*wrap(refusing.urls, "--engine", "preload"), program, way, "data", 128, 1, 129]
    result = world.run(command)
    assert result.text == f"started: 0, errno {errno.EACCES}"
    (line,) = result.complaints
    assert f"to run {program}" in line
    assert "raise `ulimit -d`" in line


@pytest.mark.parametrize("way", ["execve", "vfork", "posix_spawn"])
def test_what_there_is_no_room_for_leaves_the_filter(
    world: World, refusing: Chain, compiled: Callable[..., Path], way: str
) -> None:
    """Where the engine may be another one, the program runs, wrapped by it."""
    program = compiled("small_memory", compiler="musl-gcc")
    result = world.run([*wrap(refusing.urls), program, way, "data", 128, 1, 129])
    assert result.text.splitlines()[-1] == "started: 1, errno 0"
    assert f"dialled: {errno.EINPROGRESS}" in result.text
    assert world.judge.leaks == []


def test_as_the_command_itself(world: World, refusing: Chain, compiled: Callable[..., Path]) -> None:
    """COMMAND is judged like any other, with what it takes itself; so is what the loader is given."""
    program = compiled("small_memory", f"-DLARGE={LARGE}", compiler="musl-gcc")
    for command in ([program], ["/lib/ld-musl-x86_64.so.1", program]):
        refused = world.run(
            [*TIGHT, *wrap(refusing.urls, "--engine", "preload"), *command, "dial"], expect=126
        )
        (line,) = refused.complaints
        assert "raise `ulimit -d`" in line
        assert "`--engine auto` wraps it" in line
        filtered = world.run([*TIGHT, *wrap(refusing.urls), *command, "dial"])
        assert filtered.text == f"dialled: {errno.EINPROGRESS}"
    assert world.judge.leaks == []
