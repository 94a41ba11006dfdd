"""Programs, compiled once, and the comparison that most tests make."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .stage import End, Result, Unwrapped, Wrapped, run

if TYPE_CHECKING:
    from collections.abc import Callable

PROGRAMS = Path(__file__).parent.parent / "programs"
FLAGS = ["-std=gnu11", "-D_GNU_SOURCE", "-g", "-O1", "-Wall", "-Wextra", "-Wshadow", "-pthread"]


class Libc(Enum):
    """The C library of a program, by its compiler."""

    GLIBC = "cc"
    MUSL = "musl-gcc"


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return a function from a program's name to its path; it is compiled when first wanted."""
    directory = tmp_path_factory.mktemp("programs")
    made: dict[tuple[str, Libc, tuple[str, ...]], Path] = {}

    def build(name: str, libc: Libc = Libc.GLIBC, *flags: str) -> Path:
        key = name, libc, flags
        if key not in made:
            path = directory / f"{name}-{libc.value}{len(made)}"
            # _FORTIFY_SOURCE's own forms of the calls are musl's headers' business.
            command = [libc.value, *FLAGS, *flags, PROGRAMS / f"{name}.c", "-o", path]
            subprocess.run([str(word) for word in command], check=True)
            made[key] = path
        return made[key]

    return build


@pytest.fixture
def compare() -> Callable[..., Result]:
    """Return a function that runs a program in both worlds and demands one trace."""

    def play(path: Path, *args: str, end: End = End.ACCEPTED, family: int = 4) -> Result:
        with Unwrapped(end, family) as alone, Wrapped(end, family) as wrapped, ThreadPoolExecutor(1) as other:
            expected = other.submit(run, alone, [path], *args)
            found = run(wrapped, [path], *args)
            truth = expected.result()
        assert truth.trace[-1:] == ["EXIT-SUCCESS"], truth
        assert found.trace == truth.trace
        assert found.status == truth.status == 0
        assert found.errors == ""
        return found

    return play
