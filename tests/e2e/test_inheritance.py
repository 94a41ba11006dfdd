"""A wrapped program inherits what it would have inherited without the wrapper."""

from __future__ import annotations

import sys
from itertools import filterfalse
from typing import TYPE_CHECKING

import pexpect
import pytest

from .kit.clients import PROGRAMS, wrap
from .kit.world import factor

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .kit.world import World

NOWHERE = "socks5://127.0.0.1:9"
"""A chain that is not used."""


def _differs(line: str) -> bool:
    """Return whether a line differs between any two runs: pipes, process ids."""
    return line.startswith(("group:", "descriptor 0", "descriptor 1", "descriptor 2"))


@pytest.mark.parametrize("disposition", ["default", "ignored"])
def test_an_unusual_inheritance_arrives_whole(
    world: World,
    compiled: Callable[[str], Path],
    disposition: str,
) -> None:
    """Signals, limits, umask, descriptors, niceness, directory, arguments, environment are the same."""
    odd = [sys.executable, PROGRAMS / "with_oddities.py", disposition]
    argv = [compiled("inherited"), "", "two words", "-x", "--"]
    unwrapped = world.run([*odd, *argv]).text.splitlines()
    wrapped = world.run([*odd, *wrap(NOWHERE), *argv]).text.splitlines()
    # The order of the environment is nobody's promise; that of the arguments is.
    assert sorted(filterfalse(_differs, wrapped)) == sorted(filterfalse(_differs, unwrapped))
    assert [line for line in wrapped if line.startswith("argument")][1:] == [
        f"argument {number}: {text}" for number, text in enumerate(argv[1:], 1)
    ]
    assert [line.partition(" inode")[0] for line in wrapped if line.startswith("descriptor")] == [
        line.partition(" inode")[0] for line in unwrapped if line.startswith("descriptor")
    ]


def test_closed_standard_descriptors_stay_closed(world: World, compiled: Callable[[str], Path]) -> None:
    """A program started without stdin and stderr finds neither, and nothing in their place."""
    script = 'exec "$@" <&- 2>&-'
    program = compiled("inherited")
    unwrapped = world.run(["sh", "-c", script, "sh", program]).text.splitlines()
    wrapped = world.run(["sh", "-c", script, "sh", *wrap(NOWHERE), program]).text.splitlines()
    descriptors = [
        [line.split(":")[0] for line in lines if line.startswith("descriptor")]
        for lines in (wrapped, unwrapped)
    ]
    assert descriptors[0] == descriptors[1] == ["descriptor 1"]


def test_a_program_on_a_terminal_is_in_the_foreground(world: World, compiled: Callable[[str], Path]) -> None:
    """It is in the launcher's process group, which has the terminal."""
    argv = world.inside([*wrap(NOWHERE), compiled("inherited")])
    child = pexpect.spawn(argv[0], argv[1:], env=world.environment(), timeout=20 * factor(), encoding="utf-8")
    text = child.read()
    child.close()
    assert child.exitstatus == 0, text
    assert "foreground: yes" in text
    assert f"group: {child.pid}, session: {child.pid}" in text
