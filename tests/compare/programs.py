"""The programs of the cases: found by name, compiled once for each way to compile them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .cases import Case

__all__ = ["Programs"]

TESTS = Path(__file__).parent.parent
PLACES = [TESTS / "compare" / "programs", TESTS / "programs", TESTS / "e2e" / "programs"]
FLAGS = ["-std=gnu11", "-D_GNU_SOURCE", "-g", "-O1", "-Wall", "-Wextra", "-Werror", "-pthread"]
OBJECT = ("-shared", "-fPIC")
INTERPRETERS = {
    ".py": [sys.executable],
    ".mjs": ["node"],
    ".java": ["java", "-XX:TieredStopAtLevel=1"],
    ".sh": ["sh"],
}


class Programs:
    """Turns the words of a case into a command line.

    A first word with the suffix of a language is a file in one of PLACES. A C
    program gets the destination as its first arguments, any other nothing but
    the words that follow, in which `{x.c}` is the path of a compiled program.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.chmod(0o755)
        self._made: dict[tuple[str, ...], Path] = {}
        self._lock = Lock()

    def command(self, case: Case, host: str, port: int) -> list[str]:
        """Return the command line of a case."""
        first, *rest = [self._fill(word, case) for word in case.words]
        suffix = Path(first).suffix
        if suffix == ".c":
            return [str(self._path(first, case)), host, str(port), *rest]
        if suffix in INTERPRETERS:
            return [*INTERPRETERS[suffix], str(_find(first)), *rest]
        return [first, *rest]

    def _path(self, name: str, case: Case) -> Path:
        return self.compiled(name, case.compiler, [self._fill(flag, case) for flag in case.flags])

    def _fill(self, word: str, case: Case) -> str:
        return re.sub(r"{([^}]+)}", lambda match: str(self._path_of(match[1], case)), word)

    def _path_of(self, name: str, case: Case) -> Path:
        return (
            self.compiled(name, case.compiler, OBJECT)
            if name.endswith("_object.c")
            else self._path(name, case)
        )

    def compiled(self, name: str, compiler: str = "cc", flags: Sequence[str] = ()) -> Path:
        """Return a C program, compiled with `flags`."""
        key = name, compiler, *flags
        with self._lock:  # one at a time, for each is wanted by all tools
            if key not in self._made:
                path = self._directory / f"{Path(name).stem}-{len(self._made)}"
                include = f"-I{TESTS / 'programs'}"
                command = [compiler, *FLAGS, include, *flags, str(_find(name)), "-o", str(path), "-lresolv"]
                subprocess.run(command, check=True)
                self._made[key] = path
        return self._made[key]


def _find(name: str) -> Path:
    return next(place / name for place in PLACES if (place / name).exists())
