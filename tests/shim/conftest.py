"""Programs, compiled once, and the comparison that most tests make."""

from __future__ import annotations

import subprocess
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import pytest

from .stage import End, Result, Unwrapped, Wrapped, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROGRAMS = Path(__file__).parent.parent / "programs"
FLAGS = ["-std=gnu11", "-D_GNU_SOURCE", "-g", "-O1", "-Wall", "-Wextra", "-Wshadow", "-Werror", "-pthread"]
AT_A_TIME = 8


class Libc(Enum):
    """The C library of a program, by its compiler."""

    GLIBC = "cc"
    MUSL = "musl-gcc"


both_libcs = pytest.mark.parametrize("libc", Libc, ids=lambda libc: libc.name.lower())


@dataclass(frozen=True, slots=True)
class Case:
    """A program with its mode, and what becomes of its connections.

    `is_relayed` where its sockets cannot reach the proxy, and are connected when a way stands;
    `has_library` where another library is preloaded, whose functions make their calls by syscall().
    """

    row: str
    end: End = End.ACCEPTED
    libc: Libc = Libc.GLIBC
    family: int = 4
    is_static: bool = False
    is_relayed: bool = False
    has_library: bool = False

    def __str__(self) -> str:
        """Name the test."""
        row, libc = self.row.replace(" ", "-"), self.libc.name.lower()
        kind = "-static" * self.is_static + "-relayed" * self.is_relayed + "-library" * self.has_library
        return f"{row}-{self.end.value}-{libc}-ipv{self.family}{kind}"

    def command(self, program: Programs) -> list[str | Path]:
        """Return the program, compiled, and its arguments' place."""
        name = self.row.split()[0]
        command: list[str | Path] = [program(name, self.libc, *(["-static"] if self.is_static else []))]
        if self.has_library:
            library = program("below", self.libc, "-shared", "-fPIC")
            return ["env", f"LD_PRELOAD={library}", *command]
        return command


class Programs:
    """Compiles each program when it is first wanted."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._made: dict[tuple[str, Libc, tuple[str, ...]], Path] = {}
        self._lock = Lock()

    def __call__(self, name: str, libc: Libc = Libc.GLIBC, *flags: str) -> Path:
        """Return the path of programs/NAME.c, compiled with `flags`."""
        key = name, libc, flags
        with self._lock:
            if key not in self._made:
                path = self._directory / f"{name}-{libc.value}-{len(self._made)}"
                command = [libc.value, *FLAGS, *flags, str(PROGRAMS / f"{name}.c"), "-o", str(path)]
                subprocess.run(command, check=True)
                self._made[key] = path
        return self._made[key]


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Programs:
    """Return a function from a program's name to its path."""
    return Programs(tmp_path_factory.mktemp("programs"))


@pytest.fixture(scope="module")
def traces(request: pytest.FixtureRequest, program: Programs) -> Iterator[dict[Case, list[Future[Result]]]]:
    """Run a module's cases in both worlds, several at a time: they mostly wait.

    The oracle's refusals take a second each, until the kernel sends the SYN
    again. None is left to run beside another module's tests: some count this
    process's descriptors.
    """
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        started: dict[Case, list[Future[Result]]] = {}
        for item in request.session.items:
            case = item.callspec.params.get("case") if hasattr(item, "callspec") else None
            if isinstance(case, Case) and item.getparent(pytest.Module) is request.node:
                started[case] = [pool.submit(_unwrapped, case, program), pool.submit(_wrapped, case, program)]
        yield started
        pool.shutdown(cancel_futures=True)


@pytest.fixture
def compare(traces: dict[Case, list[Future[Result]]]) -> Callable[[Case], None]:
    """Return a function that demands one and the same trace of both worlds."""

    def check(case: Case) -> None:
        truth, found = (future.result() for future in traces[case])
        assert truth.trace[-1:] == ["EXIT-SUCCESS"], truth
        assert found.trace == truth.trace
        assert found.status == truth.status == 0
        assert found.errors == ""

    return check


def _unwrapped(case: Case, program: Programs) -> Result:
    with Unwrapped(case.end, case.family) as alone:
        return run(alone, case.command(program), *case.row.split()[1:])


def _wrapped(case: Case, program: Programs) -> Result:
    with Wrapped(case.end, case.family, host="::1" if case.is_relayed else "127.0.0.1") as wrapped:
        return run(wrapped, case.command(program), *case.row.split()[1:])
