"""System calls tried before anything depends on them: a filter over us may forbid one, a kernel lack it."""

from __future__ import annotations

import errno
import os
from enum import IntEnum
from typing import NamedTuple

from proxywrap import _native

__all__ = ["Forbidden", "Need", "can_splice", "rehearse"]

_ffi, _lib = _native.ffi, _native.lib


class Need(IntEnum):
    """What system calls are for (enum pw_need)."""

    ALWAYS = int(_lib.PW_NEED_ALWAYS)
    FILTER = int(_lib.PW_NEED_FILTER)
    CHILDREN = int(_lib.PW_NEED_CHILDREN)
    SPLICE = int(_lib.PW_NEED_SPLICE)


class Forbidden(NamedTuple):
    """A system call that cannot be made, and the errno that it fails with."""

    name: str
    errno: int

    def __str__(self) -> str:
        """Say what is wrong and what to do."""
        if self.errno == errno.ENOSYS:
            remedy = "a newer kernel, or a seccomp profile of the container's that permits it"
        else:
            remedy = "permit it in the seccomp profile of the container or the service"
        return f"the system call {self.name}() is not available here ({os.strerror(self.errno)}): {remedy}"


def rehearse(need: Need) -> Forbidden | None:
    """Return a system call that is needed for `need` and cannot be made, None where there is none.

    Nothing is changed by it.
    """
    error = _ffi.new("int *")
    name = _lib.pw_rehearse(need, error)
    if name == _ffi.NULL:
        return None
    return Forbidden(bytes(_ffi.string(name)).decode(), error[0])


def can_splice() -> bool:
    """Tell whether the kernel can relay for us."""
    return rehearse(Need.SPLICE) is None
