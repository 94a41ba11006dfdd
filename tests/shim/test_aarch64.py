"""The shim for the other processor, in programs that an emulator runs: they see what they see unwrapped.

The emulator's own limits leave some programs out: those that jump out of
signal handlers, execute others, have sets of more than 1024 descriptors, or
memory that a fork is to wipe (MADV_WIPEONFORK).
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from .conftest import FLAGS, PROGRAMS
from .stage import End, Unwrapped, Wrapped, run
from .test_against_kernel import ROWS
from .test_names import FAKE_V4, FAKE_V6

if TYPE_CHECKING:
    from pathlib import Path

ROOT = PROGRAMS.parent.parent
COMPILER = "aarch64-linux-gnu-gcc"
EMULATOR = ["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu"]

EMULATED = (
    "connect_pending",
    "connect_blocking",
    "connect_again",
    "connect_interrupted",
    "connect_restarted",
    "connect_timeout",
    "connect_unspec",
    "failed_pending",
    "sockname",
    "io_early",
    "io_waits",
    "aio_early",
    "wait_poll",
    "shut_early",
    "close_early",
    "close_all",
    "next_number",
    "no_malloc",
    "stdio",
    "epoll_",
    "dup_",
    "fastopen",
)


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the preload object as setup.py does, by another compiler."""
    target = tmp_path_factory.mktemp("aarch64") / "shim.so"
    build = (
        "import subprocess, sys; from glob import glob; from pathlib import Path; "
        "sys.path.insert(0, 'csrc'); from preload_build import command; "
        "sources = [*glob('csrc/preload/*.c'), 'csrc/notify/filter.c']; "
        "subprocess.run(command(Path(sys.argv[1]), sources), check=True)"
    )
    environ = {**os.environ, "CC": COMPILER}
    subprocess.run([sys.executable, "-c", build, target], cwd=ROOT, env=environ, check=True)
    return target


def emulated(tmp_path: Path, name: str, *options: object) -> list[str]:
    """Return the command that runs a program, compiled, with `options` of the emulator."""
    program = tmp_path / name
    subprocess.run([COMPILER, *FLAGS, PROGRAMS / f"{name}.c", "-o", program], check=True)
    return [*EMULATOR, *map(str, options), str(program)]


@pytest.mark.parametrize("end", End)
@pytest.mark.parametrize("row", [row for row in ROWS if row.startswith(EMULATED)])
def test_a_trace(shim: Path, tmp_path: Path, row: str, end: End) -> None:
    """The kernel's, whether the connection succeeds or fails."""
    name, *args = row.split()
    with Unwrapped(end) as alone:
        truth = run(alone, emulated(tmp_path, name), *args)
    with Wrapped(end) as wrapped:
        found = run(wrapped, emulated(tmp_path, name, "-E", f"LD_PRELOAD={shim}"), *args)
    assert truth.trace[-1:] == ["EXIT-SUCCESS"], truth
    assert found.trace == truth.trace
    assert found.status == truth.status == 0


@pytest.mark.parametrize(
    ("family", "expected"), [("2", f"inet 1/6 {FAKE_V4}"), ("10", f"inet6 1/6 {FAKE_V6}")]
)
def test_a_name(shim: Path, tmp_path: Path, family: str, expected: str) -> None:
    """It has the address that it has in every program."""
    with Wrapped(End.ACCEPTED) as wrapped:
        command = emulated(tmp_path, "addrinfo", "-E", f"LD_PRELOAD={shim}")
        found = run(wrapped, command, "site.test", "80", family, "0", "1")
    assert found.trace == ["ok", f"{expected} 80", "EXIT-SUCCESS"]
