"""A plugin of pytest that prints a line `case ID NODE` for each mark of the tests that it collects."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_collection_finish(session: pytest.Session) -> None:
    """Print the lines, in the order of the files."""
    for item in sorted(session.items, key=lambda item: item.nodeid):
        for mark in item.iter_markers("case"):
            for case in mark.args:
                print(f"\ncase {case} {item.nodeid.replace(' ', '_')}")
