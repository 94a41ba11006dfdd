"""Nothing imports upwards, and what is pure imports nothing that is not."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .shim_object import ROOT

PACKAGE = ROOT / "proxywrap"
PURE = [
    "address",
    "chains",
    "config",
    "engines",
    "errors",
    "events",
    "explain",
    "hosts",
    "keywords",
    "migrate",
    "names",
    "origin",
    "parser",
    "positions",
    "proxyline",
    "refusals",
    "remotenames",
    "ruleline",
    "rules",
    "scheme",
    "sections",
    "uri",
]
IO_MODULES = {"asyncio", "selectors", "subprocess", "threading", "ssl", "time", "signal", "logging", "fcntl"}
CONSTANTS = {
    "AF_INET",
    "AF_INET6",
    "AF_PACKET",
    "AF_UNSPEC",
    "AddressFamily",
    "SOCK_RAW",
    "SOCK_SEQPACKET",
    "SOCK_STREAM",
}
"""What a pure module may take from `socket`, which is names for numbers."""


def _modules(*names: str) -> list[Path]:
    found: list[Path] = []
    for name in names:
        path = PACKAGE / name
        found += path.rglob("*.py") if path.is_dir() else [path.with_suffix(".py")]
    return sorted(found)


def _imports(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield each imported module and the names taken from it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, []) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "", [alias.name for alias in node.names]


def test_contracts_hold() -> None:
    """import-linter finds every contract of pyproject.toml kept."""
    linter = Path(sys.executable).parent / "lint-imports"
    result = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


def test_every_module_has_a_floor() -> None:
    """A new module must be put into the contract, or nobody would know where it stands."""
    layers = (ROOT / "pyproject.toml").read_text()
    for path in PACKAGE.glob("[a-z]*"):
        if path.suffix == ".py" or (path / "__init__.py").exists():
            assert f"proxywrap.{path.stem}" in layers, path


@pytest.mark.parametrize("path", _modules("protocol", *PURE), ids=lambda path: path.stem)
def test_pure_modules_import_no_io(path: Path) -> None:
    """Protocols and policy do no I/O and have no clock: of `socket` they know constants only."""
    for module, names in _imports(path):
        assert module.partition(".")[0] not in IO_MODULES, path
        if module == "socket" and names:
            assert set(names) <= CONSTANTS, path


@pytest.mark.parametrize("path", _modules(*PURE, "protocol"), ids=lambda path: path.stem)
def test_pure_modules_call_no_socket(path: Path) -> None:
    """Where `socket` is imported whole, nothing but constants of it is used."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "socket":
            assert node.attr in CONSTANTS, f"{path}: socket.{node.attr}"


@pytest.mark.parametrize("path", _modules("protocol"), ids=lambda path: path.stem)
def test_protocols_read_no_file(path: Path) -> None:
    """Neither open() nor print() is called there."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in {"open", "print", "input", "exec", "eval"}, path


def test_c_floors() -> None:
    """In the shim, a file of hooks includes no other, and nothing below includes a hook's header."""
    for path in (ROOT / "csrc" / "preload").glob("*.[ch]"):
        assert '#include "hook_' not in path.read_text(), path


def test_tables_are_for_one_verb() -> None:
    """Nobody else waits for rich to be imported."""
    users = {
        path.name
        for path in PACKAGE.rglob("*.py")
        if any(module.partition(".")[0] == "rich" for module, _ in _imports(path))
    }
    assert users == {"checktable.py"}
