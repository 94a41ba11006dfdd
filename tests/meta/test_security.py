"""SECURITY.md says what each party cannot do, and names tests that there are."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]

_REFERENCE = re.compile(r"`([\w/]+\.py)::(\w+)`")


def _rows() -> list[str]:
    text = (TESTS.parent / "SECURITY.md").read_text()
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [line for line in lines if not line.startswith(("|---", "| he cannot", "| it cannot"))]


def test_each_row_is_shown_by_tests_that_there_are() -> None:
    """A promise without a test is none."""
    rows = _rows()
    assert len(rows) > 20
    for row in rows:
        references = _REFERENCE.findall(row)
        assert references, row
        for file, name in references:
            assert f"def {name}(" in (TESTS / file).read_text(), row
