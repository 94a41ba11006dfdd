"""The shim for the other processor, in programs that an emulator runs: they see what they see unwrapped.

The emulator's own limits leave some programs out: those that jump out of
signal handlers, execute others, have sets of more than 1024 descriptors, or
memory that a fork is to wipe (MADV_WIPEONFORK).
"""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import TYPE_CHECKING

import pytest

from .conftest import AT_A_TIME, FLAGS, PROGRAMS
from .stage import End, Result, Unwrapped, Wrapped, run
from .test_against_kernel import ROWS
from .test_names import FAKE_V4, FAKE_V6

if TYPE_CHECKING:
    from collections.abc import Iterator
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


class Emulated:
    """Compiles programs, once each, and runs them in the emulator."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = Lock()
        self._shim = directory / "shim.so"
        build = (
            "import subprocess, sys; from glob import glob; from pathlib import Path; "
            "sys.path.insert(0, 'csrc'); from preload_build import command; "
            "sources = [*glob('csrc/preload/*.c'), 'csrc/notify/filter.c']; "
            "subprocess.run(command(Path(sys.argv[1]), sources), check=True)"
        )
        environ = {**os.environ, "CC": COMPILER}
        subprocess.run([sys.executable, "-c", build, self._shim], cwd=ROOT, env=environ, check=True)

    def bare(self, name: str) -> list[str]:
        """Return the command that runs a program."""
        return [*EMULATOR, str(self._compiled(name))]

    def shimmed(self, name: str) -> list[str]:
        """Return that which runs it with the shim."""
        return [*EMULATOR, "-E", f"LD_PRELOAD={self._shim}", str(self._compiled(name))]

    def _compiled(self, name: str) -> Path:
        program = self._directory / name
        with self._lock:
            if not program.exists():
                subprocess.run([COMPILER, *FLAGS, PROGRAMS / f"{name}.c", "-o", program], check=True)
        return program


@pytest.fixture(scope="module")
def emulated(tmp_path_factory: pytest.TempPathFactory) -> Emulated:
    """Build the preload object as setup.py does, by another compiler."""
    return Emulated(tmp_path_factory.mktemp("aarch64"))


def _unwrapped(emulated: Emulated, row: str, end: End) -> Result:
    name, *args = row.split()
    with Unwrapped(end) as alone:
        return run(alone, emulated.bare(name), *args)


def _wrapped(emulated: Emulated, row: str, end: End) -> Result:
    name, *args = row.split()
    with Wrapped(end) as wrapped:
        return run(wrapped, emulated.shimmed(name), *args)


Traces = dict[tuple[str, End], tuple[Future[Result], Future[Result]]]


@pytest.fixture(scope="module")
def traces(request: pytest.FixtureRequest, emulated: Emulated) -> Iterator[Traces]:
    """Run every row that is wanted in both worlds, several at a time: they mostly wait."""
    params = [item.callspec.params for item in request.session.items if hasattr(item, "callspec")]
    wanted = [(values["emulated_row"], values["end"]) for values in params if "emulated_row" in values]
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        yield {
            row: (pool.submit(_unwrapped, emulated, *row), pool.submit(_wrapped, emulated, *row))
            for row in wanted
        }
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("end", End)
@pytest.mark.parametrize("emulated_row", [row for row in ROWS if row.startswith(EMULATED)])
def test_a_trace(traces: Traces, emulated_row: str, end: End) -> None:
    """The kernel's, whether the connection succeeds or fails."""
    truth, found = (future.result() for future in traces[emulated_row, end])
    assert truth.trace[-1:] == ["EXIT-SUCCESS"], truth
    assert found.trace == truth.trace
    assert found.status == truth.status == 0


@pytest.mark.parametrize(
    ("family", "expected"), [("2", f"inet 1/6 {FAKE_V4}"), ("10", f"inet6 1/6 {FAKE_V6}")]
)
def test_a_name(emulated: Emulated, family: str, expected: str) -> None:
    """It has the address that it has in every program."""
    with Wrapped(End.ACCEPTED) as wrapped:
        found = run(wrapped, emulated.shimmed("addrinfo"), "site.test", "80", family, "0", "1")
    assert found.trace == ["ok", f"{expected} 80", "EXIT-SUCCESS"]
