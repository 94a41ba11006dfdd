"""Ctrl-C while the commands are still starting."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest
from launching import DEADLINE_S, NOWHERE, PROXYWRAP

CUSTOMIZE = """\
import importlib.abc, os, signal, sys
class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == os.environ["INTERRUPT_AT"]:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
"""
"""A `sitecustomize` by which SIGINT comes when a module is about to be imported."""

PLACES = ["proxywrap.cli", "click", "proxywrap.config", "proxywrap.launcher", "proxywrap.helper.process"]


def _interrupt(tmp_path: Path, at: str, argv: list[str]) -> tuple[int, bytes]:
    (tmp_path / "sitecustomize.py").write_text(CUSTOMIZE)
    environ = {**os.environ, "PYTHONPATH": str(tmp_path), "INTERRUPT_AT": at}
    done = subprocess.run(argv, env=environ, capture_output=True, timeout=DEADLINE_S, check=False)
    return done.returncode, done.stderr


@pytest.mark.case("start-interrupted")
@pytest.mark.parametrize("at", PLACES)
def test_the_prefix_ends_by_the_signal(tmp_path: Path, at: str) -> None:
    """As any program that has not begun; Python has nothing to tell of it."""
    assert _interrupt(tmp_path, at, [PROXYWRAP, "-x", NOWHERE, "true"]) == (-signal.SIGINT, b"")


@pytest.mark.parametrize("at", ["proxywrap.ctl", "click"])
def test_the_other_command_does_too(tmp_path: Path, at: str) -> None:
    """Whatever the verb."""
    control = str(Path(PROXYWRAP).with_name("proxywrapctl"))
    assert _interrupt(tmp_path, at, [control, "config", "-x", NOWHERE]) == (-signal.SIGINT, b"")


def test_an_ignored_signal_stays_ignored(tmp_path: Path) -> None:
    """As behind `nohup` and in a shell's background: COMMAND runs."""
    shell = ["/bin/sh", "-c", 'trap "" INT; exec "$@"', "sh", PROXYWRAP, "-x", NOWHERE, "sh", "-c", "exit 4"]
    assert _interrupt(tmp_path, "click", shell) == (4, b"")
