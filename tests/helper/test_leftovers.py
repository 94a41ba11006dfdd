"""The runtime directory: made in one step, and removed by the next start where both of us were killed."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from launching import DEADLINE_S, NOWHERE, PROXYWRAP, clean_runtime, run, start

from proxywrap.helper import directory, leftovers

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Have a place for runtime directories where nothing else is, and nothing is left."""
    for place in clean_runtime():
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(place))
        monkeypatch.setenv("TMPDIR", str(place))
        yield place


def _age(path: Path) -> None:
    long_ago = time.time() - 2 * leftovers.AGE_S
    os.utime(path, (long_ago, long_ago))


@pytest.mark.case("stranger-open-directory")
def test_the_directory_is_never_open_to_others(runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor between two system calls, whatever the umask."""
    modes = []
    make = os.mkdir

    def note(path: str, *args: int) -> None:
        make(path, *args)
        modes.append(os.stat(path).st_mode & 0o777)

    monkeypatch.setattr(os, "mkdir", note)
    before = os.umask(0)
    try:
        path = directory.make_directory()
    finally:
        os.umask(before)
    assert path is not None
    assert path.startswith(f"{runtime}/")
    assert modes == [0o700]
    os.rmdir(path)


@pytest.mark.case("stranger-leftovers")
def test_what_was_left_behind_is_removed_by_the_next_start(
    runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Launcher and helper were killed at once, so nobody could; in a service there are two directories."""
    monkeypatch.setenv("NOTIFY_SOCKET", "@nobody")
    with start(["sh", "-c", "echo $PPID; exec sleep 1000"]) as process:
        assert process.stdout is not None
        helper = int(process.stdout.readline())
        (command,) = map(int, Path(f"/proc/{helper}/task/{helper}/children").read_text().split())
        os.kill(helper, signal.SIGSTOP)  # it would see to all of it
        for pid in (process.pid, helper, command):
            os.kill(pid, signal.SIGKILL)
        process.wait(DEADLINE_S)
    left = set(runtime.iterdir())
    assert len(left) == 2
    run(["true"])
    assert set(runtime.iterdir()) == left  # for they may be somebody's who has just begun
    for each in left:
        _age(each)
    run(["true"])


def test_what_is_in_use_stays(runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However old it is; and who lives there goes on."""
    monkeypatch.setenv("NOTIFY_SOCKET", "@nobody")
    argv = [PROXYWRAP, "-x", NOWHERE, "sh", "-c", "echo ready; read -r line; exit 7"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        used = set(runtime.iterdir())
        assert len(used) == 2
        for each in used:
            _age(each)
        run(["true"])
        assert set(runtime.iterdir()) == used
        process.communicate(b"go on\n", DEADLINE_S)
        assert process.returncode == 7


@pytest.mark.parametrize("name", ["proxywrap-mine", "proxywrap-00000000000", "other-000000000000"])
def test_what_is_not_ours_stays(runtime: Path, name: str) -> None:
    """By its name."""
    (runtime / name).mkdir(mode=0o700)
    _age(runtime / name)
    leftovers.remove_leftovers()
    (runtime / name).rmdir()


def test_what_others_may_write_to_stays(runtime: Path) -> None:
    """Or is of another kind, or has something of somebody's in it."""
    strange = [runtime / f"proxywrap-{number:012x}" for number in range(3)]
    strange[0].mkdir(mode=0o777)
    strange[0].chmod(0o777)
    strange[1].symlink_to("/tmp")
    strange[2].mkdir(mode=0o700)
    (strange[2] / "file").touch()
    for each in strange:
        if not each.is_symlink():
            _age(each)
    leftovers.remove_leftovers()
    assert sorted(runtime.iterdir()) == strange
    strange[0].rmdir()
    strange[1].unlink()
    (strange[2] / "file").unlink()
    strange[2].rmdir()
