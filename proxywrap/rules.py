"""Rules: what becomes of a connection, by its destination and its program.

The first rule that matches counts. Rules are indexed by what they can match,
so that a thousand of them cost little more than ten.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import Enum
from fnmatch import fnmatchcase, translate
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import NamedTuple

from proxywrap.address import Host
from proxywrap.origin import Origin

__all__ = ["ANY_PORT", "Action", "NameRule", "Pattern", "Rule", "RuleSet", "shadowed"]

Network = IPv4Network | IPv6Network

ANY_PORT = (0, 65535)


class Action(Enum):
    """What a rule does; each value is its keyword."""

    DIRECT = "direct"
    BLOCK = "block"
    CHAIN = "chain"


class Pattern(NamedTuple):
    """Destinations: a network, or names by a glob in lower case; neither for every host.

    `ports` are the first and the last.
    """

    network: Network | None = None
    glob: str | None = None
    ports: tuple[int, int] = ANY_PORT

    def __str__(self) -> str:
        """Return the pattern as a word of a file."""
        first, last = self.ports
        ports = "" if self.ports == ANY_PORT else f":{first}" if first == last else f":{first}-{last}"
        if self.network is None:
            return (self.glob or "*") + ports
        if self.network.version == 6 and ports:
            return f"[{self.network.network_address}]/{self.network.prefixlen}{ports}"
        return f"{self.network}{ports}"

    def covers(self, other: Pattern) -> bool:
        """Tell whether whatever `other` matches this one does, as far as can be told."""
        if not (self.ports[0] <= other.ports[0] and other.ports[1] <= self.ports[1]):
            return False
        if self.network is not None:
            return (
                other.network is not None
                and other.network.version == self.network.version
                and int(self.network.network_address) <= int(other.network.network_address)
                and int(other.network.broadcast_address) <= int(self.network.broadcast_address)
            )
        if self.glob is None:
            return True
        return other.glob is not None and (other.glob == self.glob or _covers_glob(self.glob, other.glob))


class Rule(NamedTuple):
    """One line: for any of `patterns`, and programs that match the glob `app`, if there is one."""

    action: Action
    chain: str
    patterns: tuple[Pattern, ...]
    app: str | None
    origin: Origin

    def __str__(self) -> str:
        """Return the rule as a line of a file."""
        words = [self.action.value, *([self.chain] if self.chain else []), *map(str, self.patterns)]
        return " ".join(words if self.app is None else [*words, f"app={self.app}"])


class NameRule(NamedTuple):
    """One line `resolve`: names like any of `globs` are looked up, by this host or by the last proxy."""

    is_remote: bool
    globs: tuple[str, ...]
    origin: Origin

    def __str__(self) -> str:
        """Return the rule as a line of a file."""
        return " ".join(["resolve", "remote" if self.is_remote else "local", *self.globs])

    def matches(self, name: str) -> bool:
        """Tell whether it is about a name in lower case."""
        return any(fnmatchcase(name, glob) for glob in self.globs)


class _Candidate(NamedTuple):
    """A pattern of a rule, in the order of the rules."""

    at: int
    ports: tuple[int, int]
    rule: Rule


Programs = Callable[[], Iterable[str]]
"""Gives the paths and names of the program that asks; called only where a rule wants to know."""


class RuleSet:
    """Finds the rule for a connection."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._everything: list[_Candidate] = []
        self._suffixes: dict[str, list[_Candidate]] = {}
        self._exact: dict[str, list[_Candidate]] = {}
        self._globs: list[tuple[re.Pattern[str], _Candidate]] = []
        self._networks: dict[tuple[int, int], dict[int, list[_Candidate]]] = {}
        for at, rule in enumerate(rules):
            for pattern in rule.patterns:
                self._add(pattern, _Candidate(at, pattern.ports, rule))

    def find(self, host: Host, port: int, programs: Programs, *, only_networks: bool = False) -> Rule | None:
        """Return the first rule that matches.

        Args:
            host: an address, not a mapped one, or a name in lower case.
            port: of the destination.
            programs: the program that asks.
            only_networks: as if there were no rules for every host.

        """
        best: _Candidate | None = None
        lists = [] if only_networks else [self._everything]
        lists += self._of_name(host) if isinstance(host, str) else self._of_address(host)
        for candidates in lists:
            for candidate in candidates:
                if best is not None and candidate.at >= best.at:
                    break
                if _applies(candidate, port, programs):
                    best = candidate
                    break
        return None if best is None else best.rule

    def _add(self, pattern: Pattern, candidate: _Candidate) -> None:
        if pattern.network is not None:
            key = pattern.network.version, pattern.network.prefixlen
            shifted = int(pattern.network.network_address) >> _host_bits(*key)
            self._networks.setdefault(key, {}).setdefault(shifted, []).append(candidate)
        elif pattern.glob is None:
            self._everything.append(candidate)
        elif pattern.glob.startswith("*.") and not _is_wild(pattern.glob[2:]):
            self._suffixes.setdefault(pattern.glob[2:], []).append(candidate)
        elif not _is_wild(pattern.glob):
            self._exact.setdefault(pattern.glob, []).append(candidate)
        else:
            self._globs.append((re.compile(translate(pattern.glob)), candidate))

    def _of_name(self, name: str) -> Iterator[list[_Candidate]]:
        yield self._exact.get(name, [])
        rest = name
        while rest := rest.partition(".")[2]:
            yield self._suffixes.get(rest, [])
        yield [candidate for glob, candidate in self._globs if glob.match(name)]

    def _of_address(self, address: IPv4Address | IPv6Address) -> Iterator[list[_Candidate]]:
        number = int(address)
        for (version, prefix), networks in self._networks.items():
            if version == address.version:
                yield networks.get(number >> _host_bits(version, prefix), [])


def shadowed(rules: Sequence[Rule]) -> Iterator[tuple[Rule, Rule]]:
    """Yield each rule that can never match, and an earlier one that leaves it nothing."""
    for at, rule in enumerate(rules):
        earlier = [each for each in rules[:at] if each.app in {None, rule.app}]
        covering = [
            next((each for each in earlier if any(mine.covers(pattern) for mine in each.patterns)), None)
            for pattern in rule.patterns
        ]
        if covering and None not in covering:
            yield rule, next(each for each in covering if each is not None)


def _applies(candidate: _Candidate, port: int, programs: Programs) -> bool:
    if not candidate.ports[0] <= port <= candidate.ports[1]:
        return False
    app = candidate.rule.app
    return app is None or any(fnmatchcase(program, app) for program in programs())


def _covers_glob(wide: str, narrow: str) -> bool:
    """Tell whether `*.x` covers a name or another glob below x."""
    if not wide.startswith("*.") or _is_wild(wide[2:]):
        return False
    return narrow.endswith(wide[1:]) and len(narrow) > len(wide) - 1


def _is_wild(text: str) -> bool:
    return any(ch in text for ch in "*?[")


def _host_bits(version: int, prefix: int) -> int:
    return (32 if version == 4 else 128) - prefix
