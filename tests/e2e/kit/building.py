"""Programs that are compiled once for a session, when they are first wanted."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from .clients import PROGRAMS

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Builder"]

C_FLAGS = ["-O1", "-Wall", "-Wextra", "-Werror", "-pthread", "-D_GNU_SOURCE"]
GO_OFFLINE = {"GOFLAGS": "-mod=mod", "GOPROXY": "off", "GOTOOLCHAIN": "local"}


class Builder:
    """Compiles what is in `programs/`, into a directory of its own.

    Calling it compiles a C program. Flags may follow the name; `compiler` is
    `cc` or, for musl, `musl-gcc`.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._made: dict[tuple[str, ...], Path] = {}

    def __call__(self, name: str, *flags: str, compiler: str = "cc") -> Path:
        """Return a program of `programs/*.c`."""
        return self._make([compiler, *C_FLAGS], name, [str(PROGRAMS / f"{name}.c"), *flags])

    def rust(self, name: str, *, is_static: bool = True) -> Path:
        """Return a program of `programs/*.rs`."""
        linking = f"target-feature={'+' if is_static else '-'}crt-static"
        compiler = ["rustc", "--edition=2021", "-Copt-level=1", f"-C{linking}"]
        return self._make(compiler, name, [str(PROGRAMS / f"{name}.rs")])

    def go(self, name: str, *, has_cgo: bool = False) -> Path:
        """Return a program of `programs/*/`; with cgo it is dynamically linked."""
        environment = {**GO_OFFLINE, "CGO_ENABLED": str(int(has_cgo))}
        return self._make(["go", "build"], name, [], environment, PROGRAMS / name)

    def _make(
        self,
        compiler: list[str],
        name: str,
        rest: list[str],
        environment: dict[str, str] | None = None,
        place: Path = PROGRAMS,
    ) -> Path:
        settings = environment or {}
        key = *compiler, name, *rest, *settings.values()
        if key not in self._made:
            made = self._directory / f"{name}-{len(self._made)}"
            command = [*compiler, "-o", str(made), *rest]
            subprocess.run(command, check=True, cwd=place, env={**os.environ, **settings})
            self._made[key] = made
        return self._made[key]
