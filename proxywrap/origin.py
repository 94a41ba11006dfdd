"""Where a setting was written, and as what its file was found."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Origin", "Stamp", "with_origin"]


class Origin(NamedTuple):
    """Where a setting was written: a file (or `-x`, `$PROXYWRAP_PROXY`) and its line."""

    source: str
    line: int | None = None

    def __str__(self) -> str:
        """Return SOURCE:LINE, or SOURCE where there are no lines."""
        return self.source if self.line is None else f"{self.source}:{self.line}"


def with_origin(what: object, origin: Origin | None) -> str:
    """Return `what` as text, and where it was written if that is to be told."""
    return str(what) if origin is None else f"{what} ({origin})"


class Stamp(NamedTuple):
    """By what a file is known again, and by what a change of it shows; `path` is absolute."""

    path: str
    device: int
    inode: int
    size_bytes: int
    modified_ns: int
    changed_ns: int
    owner: int
    mode: int
