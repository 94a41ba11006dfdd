"""What the system has not given, told from what went wrong."""

from __future__ import annotations

import errno

import pytest

from proxywrap.lack import lack_of, lack_text


@pytest.mark.parametrize(
    ("exc", "number"),
    [
        (MemoryError(), errno.ENOMEM),
        (OSError(errno.EMFILE, "x"), errno.EMFILE),
        (OSError(errno.EPERM, "x"), 0),
        (RuntimeError("can't start new thread"), errno.EAGAIN),
        (ImportError("a.so: failed to map segment from shared object"), errno.ENOMEM),
        (SystemError("error return without exception set"), errno.ENOMEM),
        (SystemError("bad argument to internal function"), 0),
        (ImportError("no module"), 0),
        (BaseExceptionGroup("many", [ValueError(), MemoryError()]), errno.ENOMEM),
        (ValueError(), 0),
    ],
)
def test_what_was_lacking(exc: BaseException, number: int) -> None:
    """A fault of ours is none of these."""
    assert lack_of(exc) == number
    assert ("raise the limit" in lack_text(number)) == bool(number)
