"""The typed face of the cffi module: what the kernel offers and Python does not.

The only place where the untyped `_native` is touched.
"""

from __future__ import annotations

import os

from proxywrap import _native
from proxywrap.protocol.wire import Target

__all__ = ["become_subreaper", "disconnect", "judge_target", "scrub_memory"]

_ffi, _lib = _native.ffi, _native.lib
_AT_FDCWD = -100


def judge_target(path: str) -> Target:
    """Tell whether the shim will be loaded into the program at `path`.

    `Target.OK` is also returned where the kernel will fail by itself.
    """
    return Target(_lib.pw_target_judge(_AT_FDCWD, os.fsencode(path), 0))


def disconnect(fd: int) -> None:
    """Make the socket `fd` unconnected again by connect(AF_UNSPEC); keeps `fd` open.

    Raises:
        OSError: as connect(2).

    """
    _check(_lib.pw_disconnect(fd))


def become_subreaper() -> None:
    """Have orphaned descendants become our children (PR_SET_CHILD_SUBREAPER).

    Raises:
        OSError: as prctl(2).

    """
    _check(_lib.pw_become_subreaper())


def scrub_memory(start: int, end: int, secret: bytes) -> int:
    """Overwrite `secret` with asterisks in our own memory from `start` to `end`.

    Args:
        start: first address; the range must be writable.
        end: one past the last address.
        secret: not empty.

    Returns:
        How often it was found.

    """
    return int(_lib.pw_scrub(start, end, _ffi.from_buffer(secret), len(secret)))


def _check(result: int) -> None:
    if result < 0:
        raise OSError(-result, os.strerror(-result))
