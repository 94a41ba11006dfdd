"""What is found on a way through proxies that are tried, for `proxywrapctl check`."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from proxywrap.uri import ProxyURI

__all__ = ["Step", "Stop", "StopKind", "Walk"]


class StopKind(StrEnum):
    """What stopped a walk; HUNG_UP is the answer of a proxy that says no by closing, as `ssh -D` does."""

    NO_NAME = "no-name"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    SILENT = "silent"
    CLOSED = "closed"
    FOREIGN = "foreign"
    NO_PASSWORD = "no-password"  # noqa: S105 - no password
    WRONG_PASSWORD = "wrong-password"  # noqa: S105 - no password
    RULES = "rules"
    ANSWER = "answer"
    HUNG_UP = "hung-up"
    IMPOSSIBLE = "impossible"
    CERTIFICATE = "certificate"


class Stop(NamedTuple):
    """Why a walk ended at a proxy; `reason` is in words, `errno` what an application would see."""

    hop: ProxyURI
    kind: StopKind
    reason: str
    errno: int = 0


class Step(NamedTuple):
    """One round trip, or more of them where a name is looked up."""

    hop: ProxyURI
    name: str
    took_s: float


@dataclass(slots=True)
class Walk:
    """What was found on the way; without a `stop` the destination was reached.

    `at` is the index of the proxy that it has come to, or that it was stopped at.
    """

    steps: list[Step] = field(default_factory=list)
    stop: Stop | None = None
    at: int = 0
    _first: int = 0

    def arrive(self, at: int) -> None:
        """Come to one of the proxies: the steps from here on are its own."""
        self.at = at
        self._first = len(self.steps)

    @property
    def last_steps(self) -> list[Step]:
        """The steps of the proxy that it has come to."""
        return self.steps[self._first :]

    @property
    def took_s(self) -> float:
        """How long all of it took."""
        return sum(step.took_s for step in self.steps)

    @property
    def is_answered(self) -> bool:
        """Whether the last proxy has spoken about the destination, whatever it said."""
        return self.stop is None or self.stop.kind in {StopKind.ANSWER, StopKind.RULES, StopKind.HUNG_UP}
