"""The places in which cases run, made when they are first wanted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from .places import Open, Pending, Place, Wrapped
from .programs import Programs
from .tools import TOOLS, limit_s
from .verdict import Verdict, judge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .cases import Case


@pytest.fixture(scope="session")
def verdict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str, Case], Verdict]]:
    """Return a function that runs a case under a tool, and alone, and compares the two."""
    programs = Programs(tmp_path_factory.mktemp("compare"))
    places: dict[str, Place] = {}
    with ExitStack() as stack, ThreadPoolExecutor(2) as pool:

        def place(name: str) -> Place:
            if name not in places:
                made: Open | Wrapped = Open(programs) if name == "open" else Wrapped(TOOLS[name], programs)
                stack.enter_context(made)
                places[name] = made
            return places[name]

        def compare(tool: str, case: Case) -> Verdict:
            alone = Pending(programs) if case.end else place("open")
            truth = pool.submit(alone.run, case, limit_s("", case.limit_s))
            found = place(tool).run(case, limit_s(tool, case.limit_s))
            return judge(case, truth.result(), found)

        yield compare
