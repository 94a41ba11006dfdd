"""The runtime directory: where the control socket lies, for as long as the helper lives.

Made by the launcher; removed by whoever of launcher and helper is the last.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress

from proxywrap.errors import ProxywrapError

__all__ = ["CONTROL", "PREFIX", "PRELOAD", "RELOAD", "UNFIT", "make_directory", "places", "remove_directory"]

CONTROL = "control"
"""The control socket's name in the directory."""

PRELOAD = "preload.so"
"""The name of a link to the shim, where LD_PRELOAD could not hold its path."""

RELOAD = "reload"
"""The name of the socket where one asks for the configuration to be read anew."""

PREFIX = "proxywrap-"
"""How the name of a directory begins."""

UNFIT = frozenset(" :;$\n")
"""What a path in LD_PRELOAD must not have: separators, and what ld.so expands."""

MAX_PLACE_BYTES = 50
"""A longer directory leaves too little of sun_path (108 bytes) for what we add to it."""


def make_directory() -> str:
    """Return a new directory of ours alone, whose path LD_PRELOAD can hold, wherever COMMAND goes.

    Raises:
        ProxywrapError: no place for it can be written to.

    """
    reasons = []
    for place in places():
        path = f"{place}/{PREFIX}{os.urandom(6).hex()}"
        try:
            os.mkdir(path, 0o700)  # never open to others, be it for a moment
            os.chmod(path, 0o700)  # a umask may have left us nothing either
        except OSError as exc:
            reasons.append(f"{place}: {exc.strerror}")
        else:
            return path
    raise ProxywrapError(
        f"expected a directory to work in, found none that can be written: {'; '.join(reasons)}"
    )


def places() -> Iterator[str]:
    """Yield where directories are made, the best place first."""
    for place in (os.environ.get("XDG_RUNTIME_DIR"), os.environ.get("TMPDIR"), "/tmp"):  # noqa: S108 - a new name
        if not place or not os.path.isabs(place) or set(place) & UNFIT:
            continue
        if len(os.fsencode(place)) <= MAX_PLACE_BYTES:
            yield place.rstrip("/")


def remove_directory(path: str) -> None:
    """Remove the directory and what we have put there; never raises."""
    for name in (CONTROL, PRELOAD, RELOAD):
        with suppress(OSError):
            os.unlink(f"{path}/{name}")
    with suppress(OSError):
        os.rmdir(path)
