"""What the installed preload object is made of, as binutils see it."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from importlib.util import find_spec
from pathlib import Path

__all__ = ["HOOKS", "ROOT", "SHIM", "hook_names", "output", "symbols"]

ROOT = Path(__file__).parent.parent.parent
HOOKS = ROOT / "csrc" / "hooks.def"


def _find_shim() -> Path:
    spec = find_spec("proxywrap")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "_preload.abi3.so"


SHIM = _find_shim()


def output(*command: str | Path) -> str:
    """Return what a command prints."""
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True).stdout


@cache
def hook_names() -> list[str]:
    """Return the names in the rows of hooks.def."""
    text = re.sub(r"/\*.*?\*/", "", HOOKS.read_text(), flags=re.DOTALL)
    return re.findall(r"^HOOK(?:_OWN)?\((?:[^(),]+),\s*(\w+),", text, flags=re.MULTILINE)


def symbols(path: Path | str, *options: str) -> dict[str, str]:
    """Return the dynamic symbols of an object, name to type; `options` are those of nm."""
    found = {}
    for line in output("nm", "-D", *options, path).splitlines():
        *_, kind, name = line.split()
        found[name] = kind
    return found
