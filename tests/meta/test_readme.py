"""The README says what cannot be wrapped."""

from __future__ import annotations

from pathlib import Path

import pytest

README = Path(__file__).parent.parent.parent / "README.md"


@pytest.mark.case("prog-tmux-outside")
@pytest.mark.parametrize("word", ["tmux", "sudo", "setuid", "io_uring", "dlmopen"])
def test_what_is_outside_is_named(word: str) -> None:
    """Nobody has to find out by a leak."""
    _, _, cannot = README.read_text().partition("## What it cannot wrap")
    assert word in cannot.partition("\n## ")[0]
