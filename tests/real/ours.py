"""Where the programs are that these tests bring themselves."""

from __future__ import annotations

from pathlib import Path

__all__ = ["OURS"]

OURS = Path(__file__).parent / "programs"
