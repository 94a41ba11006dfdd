"""What a program is called, for rules about programs."""

from __future__ import annotations

import os
from contextlib import suppress

__all__ = ["program_names"]


def program_names(pid: int) -> tuple[str, ...]:
    """Return the path of what a process executes, the last part of it, and the process's own name.

    Nothing of a process that is gone or may not be looked into.
    """
    names: list[str] = []
    with suppress(OSError):
        path = os.readlink(f"/proc/{pid}/exe")
        names += [path, path.rpartition("/")[2]]
    with suppress(OSError), open(f"/proc/{pid}/comm", errors="surrogateescape") as comm:
        names.append(comm.read().rstrip("\n"))
    return tuple(names)
