"""`make compare`: print a table of what each tool makes of each case.

usage: python -m compare [BEGINNING-OF-AN-ID]...
"""

from __future__ import annotations

import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from .cases import CASES, Case
from .places import Open, Pending, Place, Run, Wrapped
from .programs import Programs
from .tools import OURS, TOOLS, limit_s
from .verdict import Kind, judge

STYLES = {Kind.OK: "green", Kind.REFUSED: "yellow", Kind.BLOCKS: "yellow"}


def main() -> int:
    """Run the cases whose ids begin so, all by default; return 1 if one of ours is not right."""
    cases = [case for case in CASES if not sys.argv[1:] or case.id.startswith(tuple(sys.argv[1:]))]
    began = time.monotonic()
    runs = _run(cases)
    table = Table("case", *TOOLS, title=f"{len(cases)} cases, {time.monotonic() - began:.0f} s")
    wrong = 0
    for case in cases:
        truth = runs["pending" if case.end else "open"][case]
        verdicts = {name: judge(case, truth, runs[name][case]) for name in TOOLS}
        wrong += not verdicts[OURS].is_right(case)
        table.add_row(
            case.id,
            *(Text(str(verdict), STYLES.get(verdict.kind, "red")) for verdict in verdicts.values()),
        )
    Console(width=None if sys.stdout.isatty() else 150).print(table)
    return int(wrong > 0)


def _run(cases: list[Case]) -> dict[str, dict[Case, Run]]:
    """Run every case in every place, each place in a thread of its own."""
    with ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="pw-"))
        programs = Programs(Path(directory))
        places: dict[str, Place] = {
            name: stack.enter_context(Wrapped(tool, programs)) for name, tool in TOOLS.items()
        }
        places["open"] = stack.enter_context(Open(programs))
        places["pending"] = Pending(programs)
        pool = stack.enter_context(ThreadPoolExecutor(len(places)))
        return dict(zip(places, pool.map(partial(_run_all, cases), places, places.values()), strict=True))


def _run_all(cases: list[Case], name: str, place: Place) -> dict[Case, Run]:
    if name not in TOOLS:
        cases = [case for case in cases if (case.end is not None) == (name == "pending")]
    return {case: place.run(case, limit_s(name, case.limit_s)) for case in cases}


if __name__ == "__main__":
    sys.exit(main())
