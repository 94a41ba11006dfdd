"""connect(), and what a socket says of itself during and after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .conftest import Libc
from .stage import End

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

both_ends = pytest.mark.parametrize("end", End)
both_libcs = pytest.mark.parametrize("libc", Libc)


@both_ends
@both_libcs
@pytest.mark.parametrize("family", [4, 6])
def test_a_pending_socket(
    program: Callable[..., Path], compare: Callable[..., object], end: End, libc: Libc, family: int
) -> None:
    """SO_ERROR, getpeername and further connects, while pending and after."""
    compare(program("connect_pending", libc), end=end, family=family)
