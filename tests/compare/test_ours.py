"""No case goes wrong under proxywrap."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .cases import CASES, Case
from .tools import OURS

if TYPE_CHECKING:
    from collections.abc import Callable

    from .verdict import Verdict

ROWS = [pytest.param(case, id=case.id, marks=pytest.mark.case(case.id, *case.shows)) for case in CASES]


@pytest.mark.parametrize("case", ROWS)
def test_as_unwrapped(verdict: Callable[[str, Case], Verdict], case: Case) -> None:
    """Nothing leaks, blocks, is lost or comes out otherwise than unwrapped; some things may be refused."""
    result = verdict(OURS, case)
    assert result.is_right(case), result
