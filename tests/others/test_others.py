"""Other projects' own tests say the same wrapped as unwrapped: nothing but loopback is asked for."""

from __future__ import annotations

import tomllib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from .suites import ENGINES, PARTS, Part

if TYPE_CHECKING:
    from .conftest import Runs

LIST = Path(__file__).with_name("differences.toml")


class Difference(NamedTuple):
    """One that is expected, and why."""

    part: str
    tests: list[str]
    reason: str
    engines: tuple[str, ...] = ENGINES
    is_certain: bool = True

    def is_about(self, part: Part, engine: str) -> bool:
        """Tell whether it is expected there."""
        return part.name == self.part and engine in self.engines and engine in part.engines

    def names(self, test: str) -> bool:
        """Tell whether a test may differ."""
        return any(fnmatchcase(test, pattern) for pattern in self.tests)


DIFFERENCES = [Difference(**row) for row in tomllib.loads(LIST.read_text())["difference"]]
CASES = [pytest.param(part, engine, id=f"{part}-{engine}") for part in PARTS for engine in part.engines]


@pytest.mark.slow
@pytest.mark.timeout(900)  # of all runs, for the first test waits for most of them
@pytest.mark.case("others-suites")
@pytest.mark.parametrize(("part", "engine"), CASES)
def test_the_same_tests_pass(runs: Runs, part: Part, engine: str) -> None:
    """Test by test, but for the differences that are listed with their reasons."""
    truth, said_alone = runs[part.name, None].result()
    found, said = runs[part.name, engine].result()
    assert "ok" in truth.values(), said_alone[-4000:]
    differing = {
        test: (truth.get(test), found.get(test))
        for test in truth | found
        if truth.get(test) != found.get(test)
    }
    expected = [each for each in DIFFERENCES if each.is_about(part, engine)]
    new = {test: how for test, how in differing.items() if not any(each.names(test) for each in expected)}
    if new:
        print(said[-20000:])
    assert new == {}
    for each in expected:
        if each.is_certain:
            assert any(each.names(test) for test in differing), f"not seen any more: {each}"


def test_every_difference_is_of_a_part() -> None:
    """Or nobody would notice that it is never looked for, and each says why."""
    names = {part.name for part in PARTS}
    for each in DIFFERENCES:
        assert each.part in names
        assert each.reason.endswith(".")
