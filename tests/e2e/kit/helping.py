"""The helper of a wrapped command, looked at from outside."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .world import factor

if TYPE_CHECKING:
    from collections.abc import Callable

    from .world import Command

__all__ = ["Helper", "comes_true", "helper_of"]

POLL_S = 0.02
"""Nothing tells from outside that a descriptor was closed."""


@dataclass(frozen=True, slots=True)
class Helper:
    """A running helper."""

    pid: int

    def descriptors(self) -> int:
        """Return how many it has open."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def resident_kib(self) -> int:
        """Return how much memory it takes that is its own."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("RssAnon")).split()[1])


def helper_of(command: Command) -> Helper:
    """Return the helper of a command that has said something, so that it runs."""
    (pid,) = Path(f"/proc/{command.pid}/task/{command.pid}/children").read_text().split()
    return Helper(int(pid))


def comes_true(condition: Callable[[], bool], within_s: float) -> bool:
    """Tell whether a condition holds before so much time has passed."""
    deadline = time.monotonic() + within_s * factor()
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True
