"""The table of cases and the tests say the same."""

from __future__ import annotations

import pytest

from .casemarks import TABLE, collect, faults, read, render

TEXT = """# Cases

| id | what must hold | where it is shown |
|---|---|---|
| `a-one` | One thing. | `x/test_y.py::test_z` |
| `a-two` | Another. | |
"""


def test_every_case_is_shown() -> None:
    """Each row has a test, each mark has a row, and the table says where."""
    assert faults(TABLE.read_text(), collect()) == []


def test_every_row_says_what_must_hold() -> None:
    """A row is a sentence, which may begin with the name of a function."""
    for row in read(TABLE.read_text()):
        assert row.text.endswith("."), row
        assert row.text.count(" ") > 1, row


@pytest.mark.parametrize(
    ("text", "shown", "fault"),
    [
        (TEXT, {"a-one": ["tests/x/test_y.py::test_z"]}, "a-two: no test shows it"),
        (TEXT, {"a-one": ["n"], "a-two": ["n"], "b": ["n"]}, "b: n shows it, but it has no row"),
        (TEXT + TEXT, {"a-one": ["n"], "a-two": ["n"]}, "a-one: 2 rows"),
        (
            TEXT,
            {"a-one": ["n"], "a-two": ["n"]},
            "stale: run .venv/bin/python tests/meta/casemarks.py --write",
        ),
    ],
)
def test_a_fault_is_seen(text: str, shown: dict[str, list[str]], fault: str) -> None:
    """A row without a test, a mark without a row, a row too many, a table that is not up to date."""
    assert fault in faults(text, shown)


def test_points_are_named_where_they_are_few() -> None:
    """A test with one point or two names them, but for the one that is called as the case is."""
    shown = {"a-one": ["tests/t.py::t[a-one]"], "a-two": ["tests/t.py::u[p]", "tests/t.py::u[q]"]}
    written = render(TEXT, shown)
    assert "| `a-one` | One thing. | `t.py::t` |" in written
    assert "| `a-two` | Another. | `t.py::u` p, q |" in written
    assert faults(written, shown) == []
