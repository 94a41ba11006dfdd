"""The suites' runs: each once, unwrapped and in each engine, several at a time, for most of them wait."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from .suites import PARTS, Outcomes, Part, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Runs"]

AT_A_TIME = 6

Runs = dict[tuple[str, str | None], "Future[tuple[Outcomes, str]]"]


@pytest.fixture(scope="session")
def runs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """Begin all runs that the collected tests want; give each by its part and engine."""
    built = tmp_path_factory.mktemp("built")
    # libuv's tests are run by an ordinary user.
    for directory in (built, *built.parents[:2]):
        directory.chmod(0o755)
    wanted: list[tuple[str, str]] = []
    for item in request.session.items:
        values = (
            item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
        )
        part, engine = values.get("part"), values.get("engine")
        if isinstance(part, Part) and isinstance(engine, str):
            wanted.append((part.name, engine))
    names = {name for name, _ in wanted}
    parts = {part.name: part for part in PARTS if part.name in names}
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        ready = {name: pool.submit(_prepare, part, built) for name, part in parts.items()}
        begun: Runs = {}
        # What is built comes last, and what takes long first.
        for name, part in sorted(parts.items(), key=lambda each: each[1].prepare is not None):
            for engine in (None, *(each for other, each in wanted if other == name)):
                scratch = tmp_path_factory.mktemp("run")
                begun[name, engine] = pool.submit(_run, ready[name], part, engine, built, scratch)
        yield begun
        pool.shutdown(cancel_futures=True)


def _prepare(part: Part, built: Path) -> None:
    if part.prepare is not None:
        part.prepare(built)


def _run(
    ready: Future[None], part: Part, engine: str | None, built: Path, scratch: Path
) -> tuple[Outcomes, str]:
    ready.result()
    return run(part, engine, built, scratch)
