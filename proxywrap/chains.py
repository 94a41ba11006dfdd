"""Chains: which proxies a connection goes through, and which are left out for a while.

Pure: time and randomness are parameters. One `Health` and one `Selector` serve
all wrapped processes, so that they share what is known of the proxies and whose
turn it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from proxywrap.config import ChainType
from proxywrap.uri import ProxyURI

__all__ = ["Chain", "Health", "Pick", "Selector"]

FIRST_PAUSE_S = 5.0
"""How long a proxy is left out after it has failed once; twice as long after each time more."""

LONGEST_PAUSE_S = 300.0

JITTER = 0.25
"""The part of a pause that is left to chance, so that what failed together is not tried together."""


class Chain(NamedTuple):
    """Proxies and how they make a chain; `length` counts for random and round-robin ones."""

    name: str
    kind: ChainType
    length: int
    hops: tuple[ProxyURI, ...]


@dataclass(slots=True)
class _Record:
    failures: int
    out_until_s: float


class Health:
    """What is known of the proxies."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._records: dict[ProxyURI, _Record] = {}
        self._good: set[ProxyURI] = set()

    def note_failure(self, hop: ProxyURI, now_s: float) -> None:
        """Leave a proxy out from now on, the longer the more often it has failed."""
        self._good.discard(hop)
        record = self._records.setdefault(hop, _Record(0, 0.0))
        pause_s = min(FIRST_PAUSE_S * 2**record.failures, LONGEST_PAUSE_S)
        record.failures = min(record.failures + 1, 16)
        record.out_until_s = now_s + pause_s * (1 + JITTER * (2 * self._random.random() - 1))

    def note_success(self, hop: ProxyURI) -> None:
        """Forget that a proxy has failed."""
        self._records.pop(hop, None)
        self._good.add(hop)

    def is_known_good(self, hop: ProxyURI) -> bool:
        """Tell whether a proxy has worked, and has not failed since."""
        return hop in self._good

    def is_out(self, hop: ProxyURI, now_s: float) -> bool:
        """Tell whether a proxy is left out."""
        record = self._records.get(hop)
        return record is not None and now_s < record.out_until_s

    def back_at_s(self, hop: ProxyURI) -> float:
        """Return when a proxy is to be tried again; in the past for one that is not left out."""
        record = self._records.get(hop)
        return 0.0 if record is None else record.out_until_s


class Selector:
    """Picks proxies for one connection after the other."""

    def __init__(self, health: Health, random: Random) -> None:
        self.health = health
        self.random = random
        self._turns: dict[str, int] = {}

    def pick(self, chain: Chain) -> Pick:
        """Begin to pick for one connection."""
        return Pick(self, chain)

    def take_turn(self, chain: Chain) -> int:
        """Return where in a round-robin chain the connection begins, and let the next one begin behind it."""
        at = self._turns.get(chain.name, 0) % len(chain.hops)
        self._turns[chain.name] = at + chain.length
        return at


class Pick:
    """The proxies of one connection, picked anew as long as some of them fail.

    A strict chain is all of them, once. A dynamic one is those that are not
    known to fail, in order. Random and round-robin chains have `length` proxies,
    all different. Proxies that are left out are used where there are no others.
    """

    def __init__(self, selector: Selector, chain: Chain) -> None:
        self._selector = selector
        self._chain = chain
        self._failed: set[ProxyURI] = set()
        self._has_begun = False
        self._start = selector.take_turn(chain) if chain.kind is ChainType.ROUND_ROBIN else 0

    def note_failure(self, hop: ProxyURI, now_s: float) -> None:
        """Do without a proxy from here on, in other connections for a while."""
        self._failed.add(hop)
        self._selector.health.note_failure(hop, now_s)

    def is_known_good(self, hop: ProxyURI) -> bool:
        """Tell whether a proxy has worked, and has not failed since."""
        return self._selector.health.is_known_good(hop)

    def note_success(self, hops: Sequence[ProxyURI]) -> None:
        """Take note that all of them have worked."""
        for hop in hops:
            self._selector.health.note_success(hop)

    def next(self, now_s: float) -> tuple[ProxyURI, ...] | None:
        """Return the proxies to try, None where there is nothing left to try."""
        return self.first(self.candidates(now_s)) or None

    def candidates(self, now_s: float) -> tuple[ProxyURI, ...]:
        """Return the proxies from which `first` takes, nothing where there are too few."""
        chain = self._chain
        has_begun, self._has_begun = self._has_begun, True
        if chain.kind is ChainType.STRICT:
            return () if has_begun else chain.hops
        left = [hop for hop in self._in_order() if hop not in self._failed]
        health = self._selector.health
        fit = [hop for hop in left if not health.is_out(hop, now_s)]
        # One that is out may be the only one; the first to come back is the likeliest.
        rest = sorted((hop for hop in left if hop not in fit), key=health.back_at_s)
        if chain.kind is ChainType.DYNAMIC:
            return tuple(fit or rest[:1])
        if len(left) < chain.length:
            return ()
        return tuple(fit if len(fit) >= chain.length else [*fit, *rest][: chain.length])

    def first(self, candidates: tuple[ProxyURI, ...]) -> tuple[ProxyURI, ...]:
        """Return as many of `candidates` as the chain has, from the first on."""
        if self._chain.kind in {ChainType.RANDOM, ChainType.ROUND_ROBIN}:
            return candidates[: self._chain.length]
        return candidates

    def _in_order(self) -> Sequence[ProxyURI]:
        hops = self._chain.hops
        if self._chain.kind is ChainType.RANDOM:
            return self._selector.random.sample(hops, len(hops))
        return hops[self._start :] + hops[: self._start]
