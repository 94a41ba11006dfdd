"""The README says what cannot be wrapped."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from proxywrap.events import Event

README = Path(__file__).parent.parent.parent / "README.md"


@pytest.mark.case("prog-tmux-outside")
@pytest.mark.parametrize("word", ["tmux", "sudo", "setuid", "io_uring", "dlmopen"])
def test_what_is_outside_is_named(word: str) -> None:
    """Nobody has to find out by a leak."""
    _, _, cannot = README.read_text().partition("## What it cannot wrap")
    assert word in cannot.partition("\n## ")[0]


@pytest.mark.parametrize("event", get_args(Event), ids=lambda event: event.__name__)
def test_the_fields_of_the_log_are_named(event: type[Event]) -> None:
    """Whoever reads the JSON lines need not read the source."""
    (row,) = (
        line for line in README.read_text().splitlines() if line.startswith(f"| `{event.__name__.lower()}` |")
    )
    for field in event._fields:
        assert f"`{field}`" in row
