"""What a program is called, for rules about programs, and which process it is in."""

from __future__ import annotations

import os
import re
from contextlib import suppress

__all__ = ["is_ldd", "process_identity", "program_names", "wants_ipv6"]

_CURL_IPV6 = re.compile(rb"--ipv6$|-[0-4aBfgGiIjJklLMnNOpqRsSvVZ#:]*6")
"""An option of curl's, alone or behind others of one letter that take no value."""


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


def wants_ipv6(pid: int) -> bool:
    """Tell whether a process is `curl -6`, which asks for both families and then takes IPv6 alone."""
    with suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as cmdline:
        name, *words = cmdline.read().split(b"\0")
        return name.rpartition(b"/")[2] == b"curl" and any(map(_CURL_IPV6.match, words))
    return False


def process_identity(pid: int) -> bytes:
    """Return what no other process has, one that gets the same number later included."""
    start = b""  # of one that is gone, or may not be looked into
    with suppress(OSError), open(f"/proc/{pid}/stat", "rb") as stat:
        # The name, in parentheses, may hold anything; the start time is the 20th field behind it (proc(5)).
        start = stat.read().rpartition(b")")[2].split()[19]
    return b"%d %b" % (pid, start)
