"""Static programs print, under the filter, what they print where the kernel alone is their oracle."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .conftest import Case, Libc
from .stage import End
from .test_against_kernel import IPV6, ROWS

# A thread that waits on a parked socket when that fails is woken a moment before the error is its last, and
# sees no POLLIN: of refused connections there is a program of its own, which does not look at that.

if TYPE_CHECKING:
    from collections.abc import Callable

BROKEN_OFF = {"connect_interrupted", "connect_left longjmp", "connect_left cancel"}
"""A blocking connect() that a signal breaks off is given up: the socket is as before it."""

WITHOUT_FASTOPEN = {"fastopen sendto", "fastopen sendmsg", "fastopen sendmmsg"}
"""MSG_FASTOPEN fails with EOPNOTSUPP, as where net.ipv4.tcp_fastopen is off."""

LENT = {"shut_waiting connect"}
"""A blocking socket is the helper's meanwhile, and need not be in SYN_SENT."""

STATIC_ROWS = [row for row in ROWS if row not in BROKEN_OFF | WITHOUT_FASTOPEN | LENT]

CASES = [
    *(Case(row, is_static=True) for row in STATIC_ROWS),
    *(Case("failed_pending", End.REFUSED, libc, is_static=True) for libc in Libc),
    *(Case(row, libc=Libc.MUSL, is_static=True) for row in STATIC_ROWS),
    *(Case(row, family=6, is_static=True) for row in IPV6),
    Case("failed_pending", End.REFUSED, family=6, is_static=True),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_static_against_kernel(case: Case, compare: Callable[[Case], None]) -> None:
    """Not a line differs."""
    compare(case)
