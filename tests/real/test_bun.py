"""bun, and a program compiled with it: libc connects, an instruction of bun's own waits."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from e2e.kit.clients import NAME, PROGRAMS, script, wrap

from .ours import OURS

if TYPE_CHECKING:
    from e2e.kit.chains import Chain
    from e2e.kit.clients import Stage, Words

BUN = Path(__file__).parent.parent.parent / ".venv" / "npm" / "node_modules" / ".bin" / "bun"
ENGINES = ["auto", "preload", "both"]


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the program of `test_fetch`, as bun compiles it."""
    program = tmp_path_factory.mktemp("bun") / "transfer"
    subprocess.run(
        [BUN, "build", "--compile", PROGRAMS / "transfer.mjs", "--outfile", program],
        check=True,
        capture_output=True,
    )
    return program


def test_fetch(stage: Stage, prefix: Words) -> None:
    """Download, then upload."""
    script(stage, prefix, BUN, PROGRAMS / "transfer.mjs")


def test_node_http(stage: Stage, prefix: Words) -> None:
    """Download and upload at once, by what bun has of node."""
    script(stage, prefix, BUN, OURS / "transfer_http.mjs")


@pytest.mark.parametrize("engine", ENGINES)
def test_compiled(stage: Stage, one_hop: Chain, compiled: Path, engine: str) -> None:
    """In each engine that loads the shim: what waits is an event loop of the program's own."""
    script(stage, wrap(one_hop.urls, "--engine", engine), compiled)


@pytest.mark.parametrize("engine", ENGINES)
def test_refused(stage: Stage, one_hop: Chain, engine: str) -> None:
    """A connection that fails is told as one, and the program goes on."""
    fetch = f"fetch('http://{NAME}:1/').catch(error => console.log(error.code))"
    result = stage.world.run([*wrap(one_hop.urls, "-q", "--engine", engine), BUN, "-e", fetch])
    assert result.text == "ECONNREFUSED"
