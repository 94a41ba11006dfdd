"""Every way to wait for a pending connect, registered whenever, however it ends, whoever waits as well.

All combinations are made, but for those that cannot be:

- poll() and select() keep no registrations, so there is nothing that could be
  made before connect(), or be modified: they come after it;
- that poll() or select() in another thread watches a descriptor which is closed
  meanwhile is unspecified: there the thread comes after the close;
- a dead hop is a refusal to the application: it is compared with that;
- a vfork child may not wait, for its parent does not run: it takes a look,
  closes everything and is replaced.

Where a connect() that blocks fails while others wait, the error is taken from
the socket at some moment: of the events then only the hang-up is compared.
"""

from __future__ import annotations

import shlex
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import groupby, product
from typing import TYPE_CHECKING

import pytest

from proxywrap.testing import Script

from .conftest import Libc, Programs
from .stage import End, Unwrapped, Wrapped, run

if TYPE_CHECKING:
    from collections.abc import Iterator

CONNECTS = ["blocking", "non-blocking"]
WAYS = {
    **dict.fromkeys(["poll", "select"], ("after",)),
    **dict.fromkeys(["level", "edge", "oneshot", "nested", "one"], ("before", "fired", "after", "modified")),
}
ENDS = {
    "success": ("succeeds", End.ACCEPTED, None),
    "refused": ("fails", End.REFUSED, None),
    "hop-dead": ("fails", End.REFUSED, Script(reply=b"")),
    "closed": ("closed", End.ACCEPTED, None),
}
COMPANIES = ["thread", "fork", "vfork"]
ORACLES_AT_A_TIME = 16
WRAPPED_AT_A_TIME = 6


@dataclass(frozen=True, slots=True)
class Point:
    """A point of the matrix."""

    end: str
    company: str
    connect: str
    way: str
    when: str
    libc: Libc = Libc.GLIBC

    @property
    def words(self) -> list[str]:
        """The arguments of programs/matrix.c after the destination."""
        return [self.connect, self.way, self.when, ENDS[self.end][0], self.company]

    @property
    def group(self) -> tuple[str, str, str, str]:
        """What is run behind one wrapper, one after the other."""
        return self.end, self.company, self.connect, self.libc.value

    def __str__(self) -> str:
        """Name the test."""
        return f"{self.connect}-{self.way}-{self.when}-{self.end}-{self.company}-{self.libc.name.lower()}"


POINTS = [
    Point(end, company, connect, way, when)
    for end, company, connect, way in product(ENDS, COMPANIES, CONNECTS, WAYS)
    for when in WAYS[way]
]
MUSL = [
    replace(point, libc=Libc.MUSL) for point in POINTS if point.end == "success" and point.when != "fired"
]


ONE = 'timeout -s KILL 40 "$0" "$1" "$2" {words}; echo "= $?"; echo "!go"; read -r answer;'


class _Gate(Wrapped):
    """Several programs, one after the other, behind one wrapper: the gate is open and closed by turns."""

    is_open = False

    def go(self) -> None:
        """Let what is pending meet its end; when that is over, hold what comes."""
        self.is_open = not self.is_open
        if self.is_open:
            self.server.release()
        else:
            self.server.hold()


def _unwrapped(point: Point, program: Programs) -> list[str]:
    with Unwrapped(ENDS[point.end][1]) as alone:
        result = run(alone, [program("matrix", point.libc)], *point.words)
    return [*result.trace, f"= {result.status}"]


def _wrapped(points: list[Point], program: Programs) -> dict[Point, list[str]]:
    _, end, script = ENDS[points[0].end]
    lines = "\n".join(ONE.format(words=shlex.join(point.words)) for point in points)
    with _Gate(end) as place:
        if script is not None:
            place.server.set_script(script)
        result = run(place, ["sh", "-c", lines, program("matrix", points[0].libc)])
    assert result.errors == ""
    traces, rest = {}, result.trace
    for point in points:
        size = next((at + 1 for at, line in enumerate(rest) if line.startswith("= ")), len(rest))
        traces[point], rest = rest[:size], rest[size:]
    return traces


Traces = dict[Point, tuple[Future[list[str]], Future[dict[Point, list[str]]]]]


@pytest.fixture(scope="module")
def traces(request: pytest.FixtureRequest, program: Programs) -> Iterator[Traces]:
    """Run every point that is wanted in both worlds, many at a time: they mostly wait."""
    params = [item.callspec.params for item in request.session.items if hasattr(item, "callspec")]
    wanted = [values["point"] for values in params if isinstance(values.get("point"), Point)]
    truths: dict[tuple[str, ...], Future[list[str]]] = {}
    with (
        ThreadPoolExecutor(ORACLES_AT_A_TIME) as alone,
        ThreadPoolExecutor(WRAPPED_AT_A_TIME) as wrapped,
    ):
        made: Traces = {}
        ordered = sorted(wanted, key=lambda point: (point.group, point.way, point.when))
        for _, group in groupby(ordered, lambda point: point.group):
            points = list(group)
            found = wrapped.submit(_wrapped, points, program)
            for point in points:
                key = (*point.words, point.libc.value)
                if key not in truths:
                    truths[key] = alone.submit(_unwrapped, point, program)
                made[point] = truths[key], found
        yield made
        for pool in (alone, wrapped):
            pool.shutdown(cancel_futures=True)


@pytest.mark.case("pend-matrix")
@pytest.mark.parametrize("point", POINTS + MUSL, ids=str)
def test_a_point_of_the_matrix(traces: Traces, point: Point) -> None:
    """Its trace is the kernel's: results, errno values, events, in every company."""
    truth, found = traces[point]
    expected = truth.result()
    assert expected[-2:] == ["EXIT-SUCCESS", "= 0"]
    assert found.result()[point] == expected
