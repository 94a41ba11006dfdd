"""Where a setting was written."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Origin"]


class Origin(NamedTuple):
    """Where a setting was written: a file (or `-x`, `$PROXYWRAP_PROXY`) and its line."""

    source: str
    line: int | None = None

    def __str__(self) -> str:
        """Return SOURCE:LINE, or SOURCE where there are no lines."""
        return self.source if self.line is None else f"{self.source}:{self.line}"
