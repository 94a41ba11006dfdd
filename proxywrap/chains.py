"""Chains: which proxies a connection goes through, and which are left out for a while.

Pure: time and randomness are parameters. One `Health` and one `Selector` serve
all wrapped processes, so that they share what is known of the proxies and whose
turn it is.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from proxywrap.config import PROXY_LIST_NAME, ChainType, Config
from proxywrap.uri import ProxyURI

__all__ = ["Chain", "Health", "Pick", "Selector", "chains_of"]

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


def chains_of(config: Config) -> dict[str, Chain]:
    """Return the chains of a configuration by name; one of a single proxy is strict in any case."""
    options = config.options
    lists = [
        (PROXY_LIST_NAME, options.chain_type, options.chain_len, config.proxies),
        *((chain.name, chain.kind, chain.length, chain.proxies) for chain in config.chains),
    ]
    return {
        name: Chain(
            name,
            ChainType.STRICT if len(entries) == 1 else kind,
            length,
            tuple(entry.uri for entry in entries),
        )
        for name, kind, length, entries in lists
    }


@dataclass(eq=False, repr=False)
class _Record:
    failures: int
    out_until_s: float


class Health:
    """What is known of the proxies: good, out, or neither; those that were never asked are untried."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._records: dict[ProxyURI, _Record] = {}
        self._good: set[ProxyURI] = set()

    def note_failure(self, hop: ProxyURI, now_s: float) -> None:
        """Leave a proxy out from now on, the longer the more often it has failed."""
        self._good.discard(hop)
        record = self._records.setdefault(hop, _Record(0, 0.0))
        if now_s < record.out_until_s:
            return  # the same failure, met by one more connection
        pause_s = min(FIRST_PAUSE_S * 2**record.failures, LONGEST_PAUSE_S)
        record.failures = min(record.failures + 1, 16)
        record.out_until_s = now_s + pause_s * (1 + JITTER * (2 * self._random.random() - 1))

    def note_success(self, hop: ProxyURI) -> None:
        """Forget that a proxy has failed."""
        self._records.pop(hop, None)
        self._good.add(hop)

    def keep(self, hops: Collection[ProxyURI]) -> None:
        """Forget all others."""
        self._records = {hop: record for hop, record in self._records.items() if hop in hops}
        self._good.intersection_update(hops)

    def is_good(self, hop: ProxyURI) -> bool:
        """Tell whether a proxy has worked, and has not failed since."""
        return hop in self._good

    def is_untried(self, hop: ProxyURI) -> bool:
        """Tell whether a proxy has neither worked nor failed."""
        return hop not in self._good and hop not in self._records

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

    def in_turn(self, chain: Chain) -> tuple[ProxyURI, ...]:
        """Return the proxies of a round-robin chain from the one whose turn it is."""
        at = self._turns.get(chain.name, 0) % len(chain.hops)
        return chain.hops[at:] + chain.hops[:at]

    def end_turn(self, chain: Chain, taken: Sequence[ProxyURI]) -> None:
        """Let the next connection begin behind the last proxy of this one.

        One that went over the end of the list ends the round, as in proxychains-ng.
        """
        first, last = chain.hops.index(taken[0]), chain.hops.index(taken[-1])
        self._turns[chain.name] = last + 1 if first <= last else 0


class Pick:
    """The proxies of one connection, picked anew as long as some of them fail.

    A dynamic chain is those that are not known to fail, in order. Random and
    round-robin chains have `length` proxies, all different. A proxy that has
    failed is used again when it has been found good, or where there are no
    others.
    """

    def __init__(self, selector: Selector, chain: Chain) -> None:
        self._selector = selector
        self._health = selector.health
        self._failed: set[ProxyURI] = set()
        self._lots: tuple[ProxyURI, ...] = ()
        self.chain = chain
        if chain.kind is ChainType.RANDOM:
            self._lots = tuple(selector.random.sample(chain.hops, len(chain.hops)))

    def note_failure(self, hop: ProxyURI, now_s: float) -> None:
        """Do without a proxy from here on, in other connections for a while."""
        self._failed.add(hop)
        self._health.note_failure(hop, now_s)

    def note_success(self, hops: Sequence[ProxyURI]) -> None:
        """Take note that all of them have worked."""
        for hop in hops:
            self._health.note_success(hop)

    def left(self) -> tuple[ProxyURI, ...]:
        """Return the proxies that have not failed in this connection, in the order of preference."""
        hops = self._lots or self.chain.hops
        if self.chain.kind is ChainType.ROUND_ROBIN:
            hops = self._selector.in_turn(self.chain)
        return tuple(hop for hop in hops if hop not in self._failed)

    def good(self) -> tuple[ProxyURI, ...]:
        """Return those of them that have worked."""
        return tuple(filter(self._health.is_good, self.left()))

    def hopeful(self) -> tuple[ProxyURI, ...]:
        """Return those of them that have worked, or were never asked."""
        return tuple(hop for hop in self.left() if self._health.is_good(hop) or self._health.is_untried(hop))

    def unknown(self, now_s: float) -> tuple[ProxyURI, ...]:
        """Return those of them that are to be asked: untried, or back after a failure."""
        health = self._health
        return tuple(hop for hop in self.left() if not health.is_good(hop) and not health.is_out(hop, now_s))

    def take(self, hops: Sequence[ProxyURI]) -> tuple[ProxyURI, ...]:
        """Return as many of `hops` as the chain has, from the first on, nothing where they are too few.

        In a round-robin chain it is the next one's turn then.
        """
        if self.chain.kind not in {ChainType.RANDOM, ChainType.ROUND_ROBIN}:
            return tuple(hops)
        if len(hops) < self.chain.length:
            return ()
        taken = tuple(hops[: self.chain.length])
        if self.chain.kind is ChainType.ROUND_ROBIN:
            self._selector.end_turn(self.chain, taken)
        return taken

    def last_resort(self) -> tuple[ProxyURI, ...]:
        """Return what to try where there are too few good ones: the likeliest of the others, too."""
        good = self.good()
        # The first to come back is the likeliest.
        rest = sorted((hop for hop in self.left() if hop not in good), key=self._health.back_at_s)
        if self.chain.kind is ChainType.DYNAMIC:
            return good or tuple(rest[:1])
        return self.take([*good, *rest])
