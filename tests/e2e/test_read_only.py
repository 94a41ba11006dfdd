"""No file can be made anywhere, or in few places only: what must be written finds one of them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import proxywrap

from .kit.clients import NAME, PROXYWRAP, wrap
from .kit.roots import UNMEASURED, read_only

if TYPE_CHECKING:
    from .kit.building import Builder
    from .kit.chains import Chain
    from .kit.clients import Stage
    from .kit.world import World

CTL = PROXYWRAP.with_name("proxywrapctl")
EACH = """\
for program in $programs; do echo there | env -i "$program" "$@"; done
exec setpriv --reuid 4243 --clear-groups "$0" "$@"
"""
PACKAGE = Path(proxywrap.__path__[0]).resolve()
NOWHERE = "-x", "socks5://127.0.0.1:9"


@pytest.mark.case("read-only-everything")
@pytest.mark.parametrize("engine", ["auto", "preload", "seccomp", "both"])
def test_nothing_can_be_written(
    world: World, stage: Stage, compiled: Builder, one_hop: Chain, engine: str
) -> None:
    """Programs of every kind, their children with an empty environment, and other users are wrapped."""
    exchange = "exchange", NAME, stage.echo.port
    programs = [compiled("talk"), compiled("talk", compiler="musl-gcc")]
    if engine != "preload":
        programs.append(compiled("talk", "-static"))
    command = [*wrap(one_hop.urls, "--engine", engine), "sh", "-c", EACH, programs[0], *exchange]
    variables = {**UNMEASURED, "programs": " ".join(map(str, programs))}
    result = world.run([*read_only(), *command], env=variables, stdin=b"there\n")
    assert result.text.split() == ["there"] * (len(programs) + 1)
    assert result.complaints == []
    assert len(one_hop.servers[0].log) == len(programs) + 1


@pytest.mark.case("read-only-reload")
def test_a_reload_finds_who_has_no_directory(world: World, tmp_path: Path) -> None:
    """By an abstract name, and not a stranger who has one like it."""
    file = tmp_path / "a.conf"
    file.write_text("[ProxyList]\nsocks5 127.0.0.1 9\n")
    script = '"$0" reload $PPID && "$0" reload 1'
    argv = [*read_only(), PROXYWRAP, "-f", file, "sh", "-c", script, CTL]
    result = world.run(argv, env=UNMEASURED, expect=1)
    assert result.text.endswith(f"(sh): {file}: read anew")
    assert result.complaints == ["proxywrapctl: expected a running proxywrap of yours, found none"]


@pytest.mark.case("read-only-places")
@pytest.mark.parametrize("place", ["/dev/shm", "/var/tmp", "/tmp", "own"])
def test_another_place_can_be_written_to(world: World, place: str) -> None:
    """It is found, and left empty."""
    path = str(world.directory / "run") if place == "own" else place
    script = 'case $PROXYWRAP_CHANNEL in *:"$0"/proxywrap-*/control:*) ls -A "$0";; esac'
    last = f'"$@"; exec ls -A {path}'
    command = ["sh", "-c", last, "sh", PROXYWRAP, *NOWHERE, "sh", "-c", script, path]
    result = world.run([*read_only(path), *command], env=UNMEASURED)
    assert result.text.startswith("proxywrap-")
    assert len(result.text.split()) == 1


@pytest.mark.case("stranger-place")
def test_a_place_where_others_could_replace_it_is_not_used(world: World) -> None:
    """Another user's, and one that all may write to and that has no sticky bit."""
    theirs, open_to_all = world.directory / "theirs", world.directory / "open-to-all"
    theirs.mkdir(mode=0o700)
    os.chown(theirs, 4242, 4242)
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    env = {"XDG_RUNTIME_DIR": str(theirs), "TMPDIR": str(open_to_all)}
    result = world.run([PROXYWRAP, *NOWHERE, "sh", "-c", "echo $PROXYWRAP_CHANNEL"], env=env)
    assert ":/tmp/proxywrap-" in result.text


@pytest.mark.case("read-only-link")
def test_a_link_for_which_there_is_no_place(world: World) -> None:
    """LD_PRELOAD cannot hold a blank: one line says what is lacking, and COMMAND has not begun."""
    place = world.directory / "a b"
    shutil.copytree(PACKAGE, place / "proxywrap")
    start = f"import sys; sys.path.insert(0, {str(place)!r}); from proxywrap.cli import main; main()"
    python = PROXYWRAP.with_name("python")
    argv = [*read_only(), python, "-P", "-c", start, *NOWHERE, "--", "echo", "begun"]
    result = world.run(argv, env=UNMEASURED, expect=125)
    shutil.rmtree(place)
    assert result.stdout == b""
    assert len(result.complaints) == 1
    assert "XDG_RUNTIME_DIR" in result.complaints[0]
