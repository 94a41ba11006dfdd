"""What connect() costs does not depend on how many others are in the epoll set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .conftest import Libc, Programs, both_libcs
from .stage import End, Wrapped, run

if TYPE_CHECKING:
    from pathlib import Path

MANY = "15000"


@pytest.mark.case("pend-epoll-wide")
@both_libcs
def test_a_large_set_is_not_read(program: Programs, tmp_path: Path, libc: Libc) -> None:
    """The kernel's list of all registrations, which grows with the set, is not asked for."""
    opened = tmp_path / "opened"
    trace = ["strace", "-f", "-qq", "-e", "trace=open,openat", "-e", "signal=none", "-o", str(opened)]
    with Wrapped(End.ACCEPTED, options=["-q", "--engine", "preload"]) as place:
        result = run(place, [*trace, program("epoll_wide", libc)], MANY)
    assert (result.trace[-1:], result.status) == (["EXIT-SUCCESS"], 0)
    assert "/fdinfo/" not in opened.read_text()
