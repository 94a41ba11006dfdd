"""Tables and sentences fitted to a width, with no word or value split."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["Line", "Table", "wrap"]

GAP = 2
INDENT = 2


class Line(NamedTuple):
    """One line of a table: its cells, each filled up to the width of its column."""

    cells: tuple[str, ...]
    is_header: bool = False


class Table:
    """Rows of values below their names; where they do not fit, the column `long` has lines of its own."""

    def __init__(self, *names: str, long: int = 0) -> None:
        self._names = names
        self._long = long
        self._rows: list[tuple[str, ...]] = []

    def add(self, *values: object) -> None:
        """Add a row."""
        self._rows.append(tuple(map(str, values)))

    def lines(self, width: int) -> list[Line]:
        """Return the table in lines of that width; one is longer only if a single word in it is."""
        whole = _align([self._names, *self._rows], 0)
        if _fits(whole, width):
            return whole
        others = _align([self._without_long(row) for row in (self._names, *self._rows)], INDENT)
        if _fits(others, width):
            blocks = [[line] for line in others]
        else:
            blocks = [[], *(self._named(row, width) for row in self._rows)]
        lines: list[Line] = []
        for row, block in zip((self._names, *self._rows), blocks, strict=True):
            first = [Line((text,), row is self._names) for text in wrap(row[self._long], width)]
            lines += first + block
        return lines

    def _without_long(self, row: tuple[str, ...]) -> tuple[str, ...]:
        return row[: self._long] + row[self._long + 1 :]

    def _named(self, row: tuple[str, ...], width: int) -> list[Line]:
        """Return a row as words, each value behind the name of its column."""
        pairs = zip(self._without_long(self._names), self._without_long(row), strict=True)
        text = ", ".join(f"{name} {value}" for name, value in pairs if value)
        return [Line((line,)) for line in wrap(text, width, INDENT)]


def wrap(text: str, width: int, indent: int = 0) -> list[str]:
    """Return text in lines of a width, broken between words; a word that is longer has a line of its own."""
    lines: list[str] = []
    for word in text.split():
        if lines and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(f"{' ' * indent if indent + len(word) <= width else ''}{word}")
    return lines


def _align(rows: Sequence[tuple[str, ...]], indent: int) -> list[Line]:
    widths = [max(map(len, column)) + GAP for column in zip(*rows, strict=True)]
    lines = []
    for at, row in enumerate(rows):
        cells = [cell.ljust(size) for cell, size in zip(row, widths, strict=True)]
        cells[-1] = cells[-1].rstrip()
        lines.append(Line((" " * indent + cells[0], *cells[1:]), is_header=at == 0))
    return lines


def _fits(lines: Sequence[Line], width: int) -> bool:
    return all(len("".join(line.cells).rstrip()) <= width for line in lines)
