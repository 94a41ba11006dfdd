"""docs/CASES.md and the tests that say, by a mark, which of its rows they show.

usage: casemarks.py [--write]

Prints what is wrong with the table; with --write it fills in the last column.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

__all__ = ["TABLE", "Row", "collect", "faults", "read", "render"]

ROOT = Path(__file__).parent.parent.parent
TABLE = ROOT / "docs" / "CASES.md"

ROW = re.compile(r"^\| `(?P<id>[^`]+)` \| (?P<text>.+?) \| (?P<shown>.*?) ?\|$")
LINE = re.compile(r"^case (\S+) (\S+)$")
MANY = 2
"""Of so many points of one test each is named; of more, the test alone."""

Shown = dict[str, list[str]]
"""By the id of a case, the node ids of the tests that show it."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table."""

    id: str
    text: str
    shown: str


def collect() -> Shown:
    """Ask pytest, in a process of its own, which tests carry which marks."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "meta.collecting", "tests"]
    env = os.environ | {"PYTHONPATH": "tests"}
    result = subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True, text=True)
    shown: Shown = defaultdict(list)
    for line in result.stdout.splitlines():
        if match := LINE.match(line):
            shown[match[1]].append(match[2])
    return shown


def read(text: str) -> list[Row]:
    """Return the rows of the tables in `text`."""
    return [Row(**match.groupdict()) for line in text.splitlines() if (match := ROW.match(line))]


def render(text: str, shown: Shown) -> str:
    """Return `text` with the last column of each row filled in."""
    lines = []
    for line in text.splitlines(keepends=True):
        match = ROW.match(line.rstrip("\n"))
        if match:
            where = "; ".join(_places(match["id"], shown.get(match["id"], [])))
            lines.append(f"| `{match['id']}` | {match['text']} | {where} |\n")
        else:
            lines.append(line)
    return "".join(lines)


def _places(case: str, nodes: list[str]) -> list[str]:
    points: dict[str, list[str]] = defaultdict(list)
    for node in nodes:
        test, _, point = node.removeprefix("tests/").partition("[")
        points[test].append(point.removesuffix("]"))
    return [
        f"`{test}`"
        + (f" {', '.join(found)}" if found != [case] and any(found) and len(found) <= MANY else "")
        for test, found in sorted(points.items())
    ]


def faults(text: str, shown: Shown) -> list[str]:
    """Return what is wrong, a line each."""
    ids = [row.id for row in read(text)]
    found = [f"{name}: {count} rows" for name, count in Counter(ids).items() if count > 1]
    found += [f"{name}: no test shows it" for name in ids if name not in shown]
    found += [f"{name}: {shown[name][0]} shows it, but it has no row" for name in shown if name not in ids]
    if not found and render(text, shown) != text:
        found.append("stale: run .venv/bin/python tests/meta/casemarks.py --write")
    return found


def main() -> int:
    """Look, or write."""
    shown = collect()
    if "--write" in sys.argv[1:]:
        TABLE.write_text(render(TABLE.read_text(), shown))
    wrong = faults(TABLE.read_text(), shown)
    print(*wrong, sep="\n")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
