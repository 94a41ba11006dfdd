"""The runtime directory: where the control socket lies, for as long as the helper lives.

Made by the launcher; removed by whoever of launcher and helper is the last.
Where no place can be written to there is none, and the sockets have abstract
names only.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress

__all__ = [
    "CONTROL",
    "PREFIX",
    "PRELOAD",
    "RELOAD",
    "UNFIT",
    "abstract_reload_name",
    "is_reload_name",
    "make_directory",
    "places",
    "remove_directory",
]

CONTROL = "control"
"""The control socket's name in the directory."""

PRELOAD = "preload.so"
"""The name of a link to the shim, where LD_PRELOAD could not hold its path."""

RELOAD = "reload"
"""The name of the socket where one asks for the configuration to be read anew."""

PREFIX = "proxywrap-"
"""How the name of a directory begins, and an abstract one."""

UNFIT = frozenset(" :;$\n")
"""What a path in LD_PRELOAD must not have: separators, and what ld.so expands."""

OVERFLOW_UID = 65534
"""Whoever has no id in our user namespace, as root, who owns /tmp, may have none."""

MAX_PLACE_BYTES = 50
"""A longer directory leaves too little of sun_path (108 bytes) for what we add to it."""


def make_directory() -> str | None:
    """Return a new directory of ours alone, whose path LD_PRELOAD can hold, wherever COMMAND goes.

    None where no place for it can be written to.
    """
    for place in places():
        path = f"{place}/{PREFIX}{os.urandom(6).hex()}"
        with suppress(OSError):
            os.mkdir(path, 0o700)  # never open to others, be it for a moment
            os.chmod(path, 0o700)  # a umask may have left us nothing either
            return path
    return None


def places() -> Iterator[str]:
    """Yield where directories are made, the best place first."""
    yield from dict.fromkeys(filter(_is_fit, _candidates()))


def _candidates() -> Iterator[str]:
    for place in (
        os.environ.get("XDG_RUNTIME_DIR", ""),
        os.environ.get("TMPDIR", ""),
        "/tmp",  # noqa: S108 - a new name
        f"/run/user/{os.geteuid()}",
        "/dev/shm",  # noqa: S108 - what a container without a /tmp to write to has
        "/var/tmp",  # noqa: S108
    ):
        yield place.rstrip("/")


def _is_fit(place: str) -> bool:
    """Tell whether a path there is one that we can use, and nobody else can put something in its place."""
    if not os.path.isabs(place) or set(place) & UNFIT or len(os.fsencode(place)) > MAX_PLACE_BYTES:
        return False
    try:
        info = os.stat(place)
    except OSError:
        return False
    if info.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not info.st_mode & stat.S_ISVTX:
        return False
    return info.st_uid in {0, os.geteuid(), OVERFLOW_UID}


def abstract_reload_name(control: str) -> str:
    """Return the abstract name of the socket `RELOAD`, from that of the control socket."""
    return f"{control}/{RELOAD}"


def is_reload_name(name: str) -> bool:
    """Tell whether a socket's path or abstract name is that of a socket `RELOAD`."""
    directory, _slash, last = name.rpartition("/")
    return last == RELOAD and os.path.basename(directory).startswith(PREFIX)


def remove_directory(path: str | None) -> None:
    """Remove the directory and what we have put there; never raises."""
    if path is None:
        return
    for name in (CONTROL, PRELOAD, RELOAD):
        with suppress(OSError):
            os.unlink(f"{path}/{name}")
    with suppress(OSError):
        os.rmdir(path)
