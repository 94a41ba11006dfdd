"""Many connects, many threads, forks in the middle: nothing fails and nothing is left open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .kit.clients import NAME, wrap

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .kit.clients import Stage
    from .kit.world import World

GROWTH_KIB = 5 * 1024
SLACK = 8
"""Requests that the helper has answered and not yet put away when it is counted."""


@pytest.mark.parametrize(
    ("threads", "connects", "forks"),
    [
        pytest.param(32, 100, 20, id="32-threads-with-forks"),
        pytest.param(1, 10_000, 0, id="10000-in-one-process"),
    ],
)
def test_a_storm_leaves_nothing(
    world: World,
    stage: Stage,
    proxy: Callable[[str], str],
    compiled: Callable[[str], Path],
    threads: int,
    connects: int,
    forks: int,
) -> None:
    """No connect fails; the application and the helper have no more descriptors open than before.

    The helper has hardly more memory, either.
    """
    argv = [compiled("storm"), NAME, str(stage.echo.port), str(threads), str(connects), str(forks)]
    result = world.run([*wrap(proxy("microsocks")), *argv], timeout=240)
    failures, own, helper, resident = result.text.splitlines()
    assert failures == "0", result.complaints[:5]
    before, after = map(int, own.split())
    assert after == before
    before, after = map(int, helper.split())
    assert after <= before + SLACK
    before, after = map(int, resident.split())
    assert after - before < GROWTH_KIB
    assert world.judge.leaks == []
