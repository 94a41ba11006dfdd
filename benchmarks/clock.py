"""How things are timed: interleaved, and by their medians."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kit.world import World

__all__ = ["inside", "medians", "table"]

CLOCK = (
    'begin=$EPOCHREALTIME; "$@" >/dev/null || exit; end=$EPOCHREALTIME; echo $(( ${end/./} - ${begin/./} ))'
)


def inside(world: World, prefix: Sequence[object], argv: Sequence[object], *, is_warm: bool = False) -> float:
    """Return how many seconds `argv` takes behind a prefix, without the prefix's own start.

    With `is_warm` it is run once before that, so that the prefix's helper is ready.
    """
    script = f'"$@" >/dev/null; {CLOCK}' if is_warm else CLOCK
    result = world.run([*prefix, "bash", "-c", script, "bash", *argv], timeout=300)
    return int(result.text) / 1e6


def medians(rivals: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """Return the median time of each; they take turns, so that the machine's moods are everybody's."""
    times: dict[str, list[float]] = {name: [] for name in rivals}
    for _ in range(rounds):
        for name, run in rivals.items():
            times[name].append(run())
    return {name: statistics.median(values) for name, values in times.items()}


def table(title: str, values: Mapping[str, float], unit: str, *, against: str | None = None) -> None:
    """Print one measurement; ratios are to the rival `against`."""
    print(f"\n{title}")
    for name, value in values.items():
        ratio = f"   {value / values[against]:6.2f} of {against}" if against and name != against else ""
        print(f"  {name:32}{value:10.3f} {unit}{ratio}")
