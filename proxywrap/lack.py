"""Ends for want of what the system gives: told by an errno, without a traceback, for no line is at fault."""

from __future__ import annotations

import errno
import os

__all__ = ["lack_of", "lack_text"]

_WAYS_OUT = {
    errno.ENOMEM: "of memory (ulimit -v, or the container's limit)",
    errno.EMFILE: "of open files (ulimit -n)",
    errno.ENFILE: "of open files of the whole system (fs.file-max)",
    errno.EAGAIN: "of processes and threads (ulimit -u, or the container's limit)",
    errno.ENOSPC: "of space on a disk",
}


_SIGNS = (
    (RuntimeError, "start new thread", errno.EAGAIN),
    (ImportError, "map segment", errno.ENOMEM),  # an object that ld.so found no memory for
    (
        SystemError,
        "exception",
        errno.ENOMEM,
    ),  # CPython 3.11 found none for a frame, and says that none was set
)
"""Exceptions, what they say, and the errno that they stand for."""


def lack_of(exc: BaseException) -> int:
    """Return the errno of what was lacking, 0 where the cause is another one."""
    if isinstance(exc, BaseExceptionGroup):
        return next(filter(None, map(lack_of, exc.exceptions)), 0)
    if isinstance(exc, MemoryError):  # before what takes memory
        return errno.ENOMEM
    if isinstance(exc, OSError):
        return exc.errno if exc.errno in _WAYS_OUT else 0
    return next((number for kind, text, number in _SIGNS if isinstance(exc, kind) and text in str(exc)), 0)


def lack_text(number: int) -> str:
    """Return what was lacking, as the rest of a sentence; nothing for what is none of `lack_of`'s."""
    way_out = _WAYS_OUT.get(number)
    return "" if way_out is None else f": {os.strerror(number)}: raise the limit {way_out}"
