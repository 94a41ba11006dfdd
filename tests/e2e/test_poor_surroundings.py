"""Few descriptors, little memory, no process, no thread, a full disk: what is lacking is told in one line."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from .kit.clients import NAME, wrap
from .kit.world import UNREACHABLE

if TYPE_CHECKING:
    from .kit.building import Builder
    from .kit.chains import Chain
    from .kit.clients import Stage, Words
    from .kit.world import World

DATA = b"there and back\n"

OTHER_UID = 30000
"""Or one above it: a limit of processes counts what a user has on the whole host."""


def _limited(limit: str, *command: object) -> Words:
    return ["sh", "-c", f'ulimit {limit}; exec "$@"', "sh", *command]


@pytest.mark.case("few-descriptors")
@pytest.mark.parametrize("limit", [33, 64, 200, 500])
@pytest.mark.parametrize("flags", [(), ("-static",)], ids=["shim", "filter"])
def test_a_rush_leaves_the_helper_alive(
    world: World, stage: Stage, compiled: Builder, one_hop: Chain, limit: int, flags: tuple[str, ...]
) -> None:
    """Two processes want more than it may have: some wait, one line says so, and the next one is served."""
    script = f'"$1" {UNREACHABLE} 9 200; "$2" exchange "$3" "$4"'
    words = [compiled("rush", *flags), compiled("talk"), NAME, stage.echo.port]
    command = [*wrap(one_hop.urls), "sh", "-c", script, "sh", *words]
    result = world.run(_limited(f"-n {limit}", *command), stdin=DATA)
    assert result.stdout == DATA
    shortages = [line for line in result.complaints if "ulimit -n" in line]
    assert len(shortages) <= 1
    assert flags or limit >= 200 or len(shortages) == 1


@pytest.mark.case("no-proc")
def test_no_proc_is_told_at_the_start(world: World) -> None:
    """One line, with what to do, and COMMAND has not begun."""
    script = 'mount -t tmpfs none /proc && exec "$@"'
    command = ["unshare", "-m", "sh", "-c", script, "sh", *wrap("socks5://127.0.0.1:9"), "echo", "begun"]
    result = world.run(command, expect=125)
    assert result.stdout == b""
    assert len(result.complaints) == 1
    assert "mount -t proc proc /proc" in result.complaints[0]


@pytest.mark.parametrize("limit", [8, 10, 11, 12, 13, 14, 31])
def test_a_limit_that_is_too_low_is_told_at_the_start(world: World, limit: int) -> None:
    """One line, with what was expected, and COMMAND has not begun."""
    result = world.run(_limited(f"-n {limit}", *wrap("socks5://127.0.0.1:9"), "echo", "begun"), expect=125)
    assert result.stdout == b""
    assert len(result.complaints) == 1
    assert f"found a limit of {limit}: raise it (ulimit -n)" in result.complaints[0]


@pytest.mark.parametrize("megabytes", [19, 20, 21, 22, 23, 24])
def test_little_memory_is_told(
    world: World, stage: Stage, compiled: Builder, one_hop: Chain, megabytes: int
) -> None:
    """It works, or one line says that memory is lacking."""
    command = [*wrap(one_hop.urls), compiled("talk"), "exchange", NAME, stage.echo.port]
    result = world.run(_limited(f"-v {megabytes << 10}", *command), stdin=DATA, expect=None)
    works = result.returncode == 0 and result.stdout == DATA and result.stderr == b""
    assert works or (len(result.complaints) == 1 and "ulimit -v" in result.complaints[0]), result


def _as_nobody(limit: int, *command: object) -> Words:
    """Return a command of a user who has no other process, may have few, and may read the files of all."""
    caps = "+dac_override"
    user = [
        "setpriv",
        "--reuid",
        str(OTHER_UID + os.getpid() % OTHER_UID),
        "--clear-groups",
        "--inh-caps",
        caps,
        "--ambient-caps",
        caps,
    ]
    return [*user, "bash", "-c", f'ulimit -u {limit}; exec "$@"', "bash", *command]


@pytest.mark.parametrize("limit", [1, 2])
def test_too_few_processes_are_told_at_the_start(world: World, limit: int) -> None:
    """None for the helper, or none for COMMAND."""
    command = _as_nobody(limit, *wrap("socks5://127.0.0.1:9"), "echo", "begun")
    result = world.run(command, expect=None, env={"XDG_RUNTIME_DIR": "/tmp"})
    assert result.returncode in {125, 126}
    assert result.stdout == b""
    assert len(result.complaints) == 1
    assert "ulimit -u" in result.complaints[0]


def test_a_thread_that_cannot_be_started_is_told(world: World, compiled: Builder) -> None:
    """A proxy's name is looked up by a thread; where there is none, a line says why it failed."""
    command = _as_nobody(3, *wrap("socks5://localhost:9"), compiled("talk"), "peer", NAME, 9)
    result = world.run(command, expect=1, env={"XDG_RUNTIME_DIR": "/tmp"})
    assert len(result.complaints) == 1
    assert "ulimit -u" in result.complaints[0]


@pytest.mark.case("full-disk")
def test_a_full_disk_loses_lines_and_no_halves(
    world: World, stage: Stage, compiled: Builder, one_hop: Chain
) -> None:
    """One line on stderr; the log goes on when there is room, in whole lines, and says what it lost."""
    place = world.directory / "small"
    place.mkdir()
    script = f"""
mount -t tmpfs -o size=64k none {place}
head -c 61000 /dev/zero > {place}/filling
"$@"
cat {place}/log
"""
    inner = f'for i in $(seq 40); do "$@" </dev/null; done; rm {place}/filling; exec "$@"'
    talk = [compiled("talk"), "exchange", NAME, stage.echo.port]
    wrapped = [*wrap(one_hop.urls, "--log", place / "log"), "sh", "-c", inner, "sh", *talk]
    result = world.run(["sh", "-ec", script, "sh", *wrapped])
    place.rmdir()
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert len([line for line in result.complaints if "the log cannot be written" in line]) == 1
    assert len(result.complaints) == 1
    assert any("lines before this one were lost" in each.get("text", "") for each in records)
    assert records[-1]["event"] == "connected"
    assert str(records[-1]["destination"]).startswith(NAME)
