"""The configuration changed while programs run: new connections go by it, and none is lost."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Any

import pytest

from proxywrap.testing import SocksServer

from .kit.clients import NAME, PROGRAMS, PROXYWRAP
from .kit.origins import ORIGIN

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .kit.clients import Stage
    from .kit.world import World

CTL = PROXYWRAP.with_name("proxywrapctl")


@pytest.fixture
def server(world: World) -> Iterator[SocksServer]:
    """Run a proxy that knows two names."""
    with world.running(SocksServer(names={NAME: ORIGIN, "probe.test": ORIGIN})) as server:
        yield server


@pytest.mark.timeout(240)
def test_under_a_storm(world: World, stage: Stage, server: SocksServer, tmp_path: Path) -> None:
    """256 threads in 8 processes: no connect fails; after an acknowledgement the new rules count."""
    file = tmp_path / "a.conf"
    file.write_text(f"[ProxyList]\n{server.url}\n")
    argv = [PROXYWRAP, "-f", file, sys.executable, PROGRAMS / "reloading.py"]
    result = world.run([*argv, NAME, stage.echo.port, file, server.url, CTL], timeout=200)
    *storms, stale = result.text.splitlines()
    assert len(storms) == 8
    for line in storms:
        made, failed, *examples = line.split(" ", 2)
        assert int(made) > 32
        assert failed == "0", examples
    assert stale == "stale 0"


def connects(world: World, file: Path, script: str, *options: str) -> list[str]:
    """Run a shell script wrapped; return what it and proxywrap print."""
    result = world.run(
        [PROXYWRAP, *options, "-f", file, "sh", "-c", script, "sh", CTL, file],
        stderr=-2,
    )
    return result.text.splitlines()


CURL = "curl -sS -o /dev/null -w '%{{http_code}}\\n' http://{}:{}/ 2>&1"


def test_by_a_signal(world: World, stage: Stage, server: SocksServer, tmp_path: Path) -> None:
    """SIGHUP to COMMAND's parent; the fake address that a program has stands for its name still."""
    file = tmp_path / "a.conf"
    file.write_text(f"[ProxyList]\n{server.url}\n")
    fetch = CURL.format(NAME, stage.web.port)
    script = f"""
{fetch}
printf '[rules]\\nblock *\\n' >> "$2"
kill -HUP $PPID
for n in 1 2 3 4 5 6 7 8 9; do {fetch} | grep -q 200 || break; done
{fetch} | grep -c 'ermission denied\\|Could not connect\\|connect to'
"""
    lines = connects(world, file, script)
    assert lines[0] != "000"
    assert lines[-1] == "1"


def test_a_broken_file_keeps_what_was(
    world: World, stage: Stage, server: SocksServer, tmp_path: Path
) -> None:
    """One line says so, and everything goes on; `reload` says it too, and fails."""
    file = tmp_path / "a.conf"
    file.write_text(f"[ProxyList]\n{server.url}\n")
    fetch = CURL.format(NAME, stage.web.port)
    script = f'{fetch}; echo frob > "$2"; "$1" reload $PPID; echo $?; {fetch}'
    first, told, said, status, last = connects(world, file, script)
    error = f"{file}:1: expected an option, found 'frob'; what was in effect stays in effect"
    assert told == f"proxywrap: {error}"
    assert said.startswith("proxywrapctl: ")
    assert said.endswith(error)
    assert status == "1"
    assert first == last != "000"


def test_by_a_signal_before_anything_else(
    world: World, stage: Stage, server: SocksServer, tmp_path: Path
) -> None:
    """It comes while the helper is still starting, and is heeded when it can be."""
    file = tmp_path / "a.conf"
    file.write_text(f"[ProxyList]\n{server.url}\n")
    script = 'kill -HUP $PPID; curl -sSo /dev/null "$1"'
    result = world.run([PROXYWRAP, "-v", "-f", file, "sh", "-c", script, "sh", f"{stage.url}/bytes"])
    assert f"proxywrap: {file}: read anew" in result.complaints


def test_urls_are_in_no_file(world: World) -> None:
    """Which is no error."""
    result = world.run([PROXYWRAP, "-x", "http://127.0.0.1:9", "sh", "-c", '"$1" reload $PPID', "sh", CTL])
    assert result.text.endswith(": -x: not in a file that can be read anew")


ALONE = (
    'mount --bind "$1" /mnt; mount -t tmpfs tmpfs /tmp; mkdir "$1"; mount --bind /mnt "$1"; shift; exec "$@"'
)
"""Hides the runtime directories of other people's proxywraps, which are not to be reached by a test."""


@pytest.mark.case("start-reload-all")
def test_all_are_reached_and_each_says_who_it_is(world: World, server: SocksServer, tmp_path: Path) -> None:
    """A bare `reload` names every proxywrap of the user's, wherever its runtime directory is."""
    file, other = tmp_path / "a.conf", world.directory / "elsewhere"
    file.write_text(f"[ProxyList]\n{server.url}\n")
    other.mkdir(mode=0o700)
    options: dict[str, Any] = {"stdin": -1, "stdout": None, "stderr": None}
    environments: list[dict[str, str]] = [{}, {"XDG_RUNTIME_DIR": str(other)}]
    with (
        world.start([PROXYWRAP, "-f", file, "cat"], env=environments[0], **options) as near,
        world.start([PROXYWRAP, "-x", server.url, "tail", "-f"], env=environments[1], **options) as far,
    ):
        wanted = {
            f"{near.pid} (cat): {file}: read anew",
            f"{far.pid} (tail): -x: not in a file that can be read anew",
        }
        while True:
            said = world.run([CTL, "reload", near.pid, far.pid], expect=None).text.splitlines()
            if len(said) == 2:
                break
        alone = ["sh", "-ec", ALONE, "sh", world.directory]
        assert set(world.run([*alone, CTL, "reload"], expect=None).text.splitlines()) == wanted
        near.communicate(timeout=30)
        far.communicate(timeout=30)
    assert list(other.iterdir()) == []


def test_nobody_is_there(world: World) -> None:
    """Which is one."""
    result = world.run([CTL, "reload", os.getpid()], expect=1)
    assert result.complaints == ["proxywrapctl: expected a running proxywrap of yours, found none"]
    assert signal.SIGHUP
