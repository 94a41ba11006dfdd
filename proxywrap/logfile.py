"""The log: whole lines, or none. A full disk costs the lines that find no room, and it goes on later."""

from __future__ import annotations

import os
import select
import stat
from contextlib import suppress
from typing import NamedTuple, TextIO

__all__ = ["LogFile", "Outcome"]


class Outcome(NamedTuple):
    """What became of a line.

    Where it was lost, `reason` says why, and `has_begun_to_fail` that the one
    before it was written; where it was not, `lost` counts those before it that were.
    """

    reason: str = ""
    has_begun_to_fail: bool = False
    lost: int = 0


class LogFile:
    """Appends lines to a stream, which stays its owner's.

    Each is one write(), made only where it cannot block: a reader that has
    stopped reading must not stop everybody's connections.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lost = 0
        try:
            self._fd = stream.fileno()
        except (OSError, ValueError):  # a stream in memory; one that is closed
            self._fd = -1

    def append(self, line: str) -> Outcome:
        """Write a line; never raises."""
        data = line.encode("utf-8", "backslashreplace") + b"\n"
        try:
            self._write(data)
        except (OSError, ValueError) as exc:
            self._lost += 1
            return Outcome(getattr(exc, "strerror", None) or str(exc), self._lost == 1)
        lost, self._lost = self._lost, 0
        return Outcome(lost=lost)

    def _write(self, data: bytes) -> None:
        if self._fd < 0:
            self._stream.write(data.decode())
            return
        poll = select.poll()
        poll.register(self._fd, select.POLLOUT)
        if not poll.poll(0):
            raise BlockingIOError(0, "its reader does not read")
        written = os.write(self._fd, data)
        if written < len(data):
            self._take_back(written)
            raise OSError(0, "no space left for a whole line")

    def _take_back(self, written: int) -> None:
        """Remove the part of a line that found room, if nobody has written behind it."""
        with suppress(OSError):
            info = os.fstat(self._fd)
            if stat.S_ISREG(info.st_mode) and info.st_size == os.lseek(self._fd, 0, os.SEEK_CUR):
                os.ftruncate(self._fd, info.st_size - written)
