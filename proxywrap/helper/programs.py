"""What a program is called, for rules about programs, and which process it is in."""

from __future__ import annotations

import os
from contextlib import suppress

__all__ = ["is_ldd", "process_identity", "program_names"]


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


def is_ldd(pid: int) -> bool:
    """Tell whether a process is ldd(1), which tries the dynamic linkers of all word sizes in turn."""
    with suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as cmdline:
        return any(word.rpartition(b"/")[2] == b"ldd" for word in cmdline.read().split(b"\0")[:2])
    return False


def process_identity(pid: int) -> bytes:
    """Return what no other process has, one that gets the same number later included."""
    start = b""  # of one that is gone, or may not be looked into
    with suppress(OSError), open(f"/proc/{pid}/stat", "rb") as stat:
        # The name, in parentheses, may hold anything; the start time is the 20th field behind it (proc(5)).
        start = stat.read().rpartition(b")")[2].split()[19]
    return b"%d %b" % (pid, start)
