"""What a wrapped run is worth beside the unwrapped one."""

from __future__ import annotations

import re
import signal
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .cases import Case
    from .places import Run

__all__ = ["Kind", "Verdict", "judge"]


class Kind(Enum):
    """Kinds of verdicts, the worst first."""

    LEAK = "LEAK"
    CRASH = "crash"
    HANG = "hang"
    NEVER = "never fires"
    LOST = "lost"
    WRONG = "wrong"
    REFUSED = "refused"
    BLOCKS = "blocks"
    OK = "ok"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A kind and what there is to say about it."""

    kind: Kind
    detail: str = ""

    def is_right(self, case: Case) -> bool:
        """Return whether it is what a wrapper should make of `case`."""
        return self.kind is Kind.OK or (case.may_refuse and self.kind is Kind.REFUSED)

    def __str__(self) -> str:
        """Say it in a few words."""
        return f"{self.kind.value} {self.detail}".rstrip()[:DETAIL_CHARACTERS]


DETAIL_CHARACTERS = 60

NUMBER = re.compile(r"\b(?!127\.|0\.0\.0\.0)\d{1,3}(?:\.\d{1,3}){3}\b")
NUMBER6 = re.compile(r"\b[0-9a-f]{1,4}(?::[0-9a-f]{0,4}){2,7}")
REFUSALS = re.compile(
    r"refused|not permitted|denied|unreachable|not supported|not implemented|EAI_AGAIN|no such host",
    re.IGNORECASE,
)


def judge(case: Case, truth: Run, found: Run) -> Verdict:
    """Return the worst that can be said of `found`, the run of `case` under a tool."""
    verdicts = [*_of_the_process(found), *_of_the_lines(case, truth, found), *_of_the_proxy(case, found)]
    order = list(Kind)
    worst = min(verdicts, key=lambda verdict: order.index(verdict.kind), default=Verdict(Kind.OK))
    if worst.kind is Kind.LOST:
        return Verdict(
            Kind.LOST, ", ".join(verdict.detail for verdict in verdicts if verdict.kind is Kind.LOST)
        )
    return worst


def _of_the_process(found: Run) -> list[Verdict]:
    verdicts = []
    if found.leaks:
        kinds = sorted({f"{leak.kind} to {leak.destination}" for leak in found.leaks})
        verdicts.append(Verdict(Kind.LEAK, ", ".join(kinds)))
    if found.is_late:
        verdicts.append(Verdict(Kind.HANG, f"after {found.lines[-1]!r}" if found.lines else ""))
    number = -found.status if found.status < 0 else found.status - 128
    if not found.is_late and number in {*signal.Signals}:
        verdicts.append(Verdict(Kind.CRASH, signal.Signals(number).name))
    return verdicts


def _of_the_proxy(case: Case, found: Run) -> list[Verdict]:
    verdicts = []
    if found.waited_s:
        verdicts.append(Verdict(Kind.BLOCKS, f"{found.waited_s:.1f} s"))
    if case.asks and case.asks not in found.asked:
        verdicts.append(Verdict(Kind.WRONG, f"asked for {', '.join(found.asked) or 'nothing'}"))
    return verdicts


def _of_the_lines(case: Case, truth: Run, found: Run) -> list[Verdict]:
    wanted, got = (_by_key(case, run.lines) for run in (truth, found))
    verdicts = []
    for key, value in wanted.items():
        if key not in got:
            if not found.is_late:
                verdicts.append(_ended_early(case, found))
            break
        if got[key] != value:
            verdicts.append(_difference(case, key, value, got[key], found))
        if verdicts and verdicts[-1].kind in {Kind.REFUSED, Kind.WRONG}:
            break  # the rest comes of it
    extra = [f"{key} {value}" for key, value in got.items() if key not in wanted]
    if extra and not verdicts:
        verdicts.append(Verdict(Kind.WRONG, extra[0]))
    if found.status != truth.status and not found.is_late and not verdicts:
        verdicts.append(Verdict(Kind.WRONG, f"status {found.status}"))
    return verdicts


def _by_key(case: Case, lines: list[str]) -> dict[str, str]:
    """Return the lines `key: value` or `call = value` by their keys, which are numbered where they repeat."""
    table: dict[str, str] = {}
    for said in lines:
        # That a hook which succeeds leaves errno alone is a case by itself.
        line = said.removesuffix(", errno changed")
        if case.is_anonymous:
            line = NUMBER6.sub("<ipv6>", NUMBER.sub("<ipv4>", line))
        key, separator, value = line.rpartition(" = ")
        if not separator:
            key, separator, value = line.partition(": ")
        if not separator:
            key, value = "line", line
        number = 1
        while f"{key} {number}" in table:
            number += 1
        table[f"{key} {number}"] = value
    return table


def _difference(case: Case, key: str, wanted: str, got: str, found: Run) -> Verdict:
    name = key.rpartition(" ")[0]
    word = next((kind for pattern, kind in case.means if re.search(pattern, key)), Kind.WRONG)
    if (word is Kind.BLOCKS and not found.waited_s) or (word is Kind.NEVER and got != "0"):
        word = Kind.WRONG
    if word is Kind.WRONG and REFUSALS.search(got) and not REFUSALS.search(wanted):
        return Verdict(Kind.REFUSED, got)
    if word is Kind.BLOCKS:
        return Verdict(word, f"{found.waited_s:.1f} s")
    return Verdict(word, name if word is Kind.LOST else f"{name}: {got}")


def _ended_early(case: Case, found: Run) -> Verdict:
    said = [*found.lines[-1:], *found.errors.splitlines()[-1:]]
    detail = said[0] if said else f"status {found.status}"
    if found.waited_s and case.end is not None:
        # A MUST() that connect() leaves the socket pending.
        return Verdict(Kind.BLOCKS, f"{found.waited_s:.1f} s")
    if REFUSALS.search(detail) or found.status == 126:
        return Verdict(Kind.REFUSED, detail)
    return Verdict(Kind.WRONG, detail)
