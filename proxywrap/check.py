"""Every proxy of a configuration tried alone, and the chains as they are configured.

What is asked for is the last proxy's own loopback, where nobody listens on
port 1: its refusal tells that the way there works, and troubles no third party.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address
from random import Random

from proxywrap.address import Endpoint
from proxywrap.advice import LEAVE_IT_OUT, PROTOCOL_FAULTS, advise, advise_on_names
from proxywrap.chains import Chain, Health, Selector, chains_of
from proxywrap.config import ChainType, Config
from proxywrap.helper.programs import process_identity
from proxywrap.hopoptions import PIPELINE, is_for
from proxywrap.net.asking import ask_last
from proxywrap.net.connector import AttemptFailed, Deadlines
from proxywrap.net.hopnames import HopNames
from proxywrap.net.identify import Speaks, identify
from proxywrap.net.probe import walk
from proxywrap.net.tunnels import Tunnels
from proxywrap.net.walking import Stop, StopKind, Walk
from proxywrap.net.waymaking import WayMaker
from proxywrap.protocol.isolation import Isolation
from proxywrap.scheme import Scheme
from proxywrap.uri import ProxyURI

__all__ = ["ChainReport", "HopReport", "Report", "check"]

MAX_AT_A_TIME = 16
"""Proxies that are tried side by side."""

LONGEST_QUESTION_S = 3.0
"""How long a server may take for what it is asked beyond the configuration."""

V4 = Endpoint(IPv4Address("127.0.0.1"), 1)
V6 = Endpoint(IPv6Address("::1"), 1)
NAME = Endpoint("localhost", 1)

TOR_QUESTION = "192.0.2.1"
"""As a name: Tor answers it at once, asking nobody."""

_UNREACHED = {StopKind.NO_NAME, StopKind.REFUSED, StopKind.UNREACHABLE}
_AUTHENTICATION = {StopKind.NO_PASSWORD: "missing", StopKind.WRONG_PASSWORD: "refused"}


@dataclass(frozen=True, slots=True)
class HopReport:
    """What was found of one proxy, reached from here.

    `carries` tells for IPv4, IPv6 and names whether it connects to them: True,
    False, or None where that could not be told. `takes_one_flight` tells likewise whether `pipeline=1`
    is safe, None where there is no such option. `advice` is what to write instead.
    """

    hop: ProxyURI
    walk: Walk
    speaks: tuple[Speaks, ...] = ()
    carries: tuple[bool | None, bool | None, bool | None] = (None, None, None)
    takes_one_flight: bool | None = None
    advice: str | None = None

    @property
    def is_reachable(self) -> bool:
        """Whether it can be connected to."""
        return self.walk.stop is None or self.walk.stop.kind not in _UNREACHED

    @property
    def is_good(self) -> bool:
        """Whether it does what it is asked for."""
        return self.walk.is_answered

    @property
    def spoken(self) -> str:
        """What it speaks, as far as that is known."""
        if not self.is_reachable:
            return "?"
        is_foreign = self.walk.stop is not None and self.walk.stop.kind in PROTOCOL_FAULTS
        if is_foreign and self.takes_one_flight is None:
            return ", ".join(self.speaks) or "nothing"
        return self.hop.kind

    @property
    def authentication(self) -> str:
        """What became of the user name and the password."""
        if self.walk.stop is not None and self.walk.stop.kind in _AUTHENTICATION:
            return _AUTHENTICATION[self.walk.stop.kind]
        if not self.is_good:
            return "?"
        options = self.hop.options
        has_login = self.hop.username is not None or options.isolate is not None
        asks = any(step.name == "password" for step in self.walk.steps)
        if has_login and self.hop.scheme.startswith("socks5") and not (asks or options.is_pipelined):
            return "not asked for"
        return "accepted" if has_login or self.hop.scheme is Scheme.SSH else "none"


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What was found of one chain; `hops` are those that were used, `left_out` those that failed before."""

    name: str
    kind: ChainType
    hops: tuple[ProxyURI, ...]
    left_out: tuple[ProxyURI, ...]
    walk: Walk
    is_good: bool


@dataclass(frozen=True, slots=True)
class Report:
    """All that was found."""

    hops: tuple[HopReport, ...]
    chains: tuple[ChainReport, ...]

    @property
    def is_good(self) -> bool:
        """Whether no chain is broken."""
        return all(chain.is_good for chain in self.chains)


async def check(config: Config, destination: Endpoint | None, progress: Callable[[str], None]) -> Report:
    """Try everything that a configuration has.

    Args:
        config: it.
        destination: what the chains are to reach; None for the loopback of the last proxy.
        progress: is told what has been tried, as it has.

    """
    checker = _Checker(config, destination, progress)
    chains = chains_of(config).values()
    hops = list(dict.fromkeys(hop for chain in chains for hop in chain.hops))
    try:
        async with asyncio.TaskGroup() as tasks:
            trials = [tasks.create_task(checker.try_hop(hop)) for hop in hops]
        reports = {hop: trial.result() for hop, trial in zip(hops, trials, strict=True)}
        async with asyncio.TaskGroup() as tasks:
            ways = [tasks.create_task(checker.try_chain(chain, reports)) for chain in chains]
    finally:
        await checker.close()
    return Report(tuple(reports.values()), tuple(way.result() for way in ways))


class _Checker:
    def __init__(self, config: Config, destination: Endpoint | None, progress: Callable[[str], None]) -> None:
        options = config.options
        self._deadlines = Deadlines(
            options.tcp_connect_time_out_ms / 1000, options.tcp_read_time_out_ms / 1000
        )
        self._patience_s = min(LONGEST_QUESTION_S, self._deadlines.read_s)
        self._destination = destination
        self._progress = progress
        self._names = HopNames()
        self._tunnels = Tunnels(os.environ)
        self._isolation = Isolation(os.urandom(16), process_identity(os.getpid()))
        self._turns = asyncio.Semaphore(MAX_AT_A_TIME)

    async def close(self) -> None:
        """End what it has started."""
        await self._tunnels.close(0)

    async def try_hop(self, hop: ProxyURI) -> HopReport:
        """Try one proxy, reached from here."""
        async with self._turns:
            first = await self._walk([hop], V4)
            if first.is_answered:
                report = await self._capabilities(hop, first)
            elif hop.options.is_pipelined and (await self._walk([_in_flights(hop)], V4)).is_answered:
                report = HopReport(hop, first, takes_one_flight=False, advice=LEAVE_IT_OUT)
            else:
                assert first.stop is not None  # noqa: S101 - it would be answered
                speaks = await self._identify(hop) if first.stop.kind in PROTOCOL_FAULTS else frozenset()
                report = HopReport(hop, first, tuple(sorted(speaks)), advice=advise(first.stop, speaks))
        self._progress(str(hop))
        return report

    async def try_chain(self, chain: Chain, reports: Mapping[ProxyURI, HopReport]) -> ChainReport:
        """Try a chain, with other proxies in the place of those that fail where its kind allows that."""
        selector = Selector(Health(Random()), Random())  # noqa: S311 - it guards nothing
        pick = selector.pick(chain)
        left_out: list[ProxyURI] = []
        hops, found = chain.hops, Walk(stop=Stop(chain.hops[0], StopKind.UNREACHABLE, "no proxy is left"))
        while left := pick.take(pick.left()):
            hops = left
            if not reports[hops[0]].is_good:
                found, failed = reports[hops[0]].walk, hops[0]
            else:
                found = await self._walk(hops, self._destination or V4)
                if found.stop is None or self._is_there(found) or _is_final(found.stop, hops[-1]):
                    break
                failed = found.stop.hop
            if chain.kind is ChainType.STRICT:
                break
            left_out.append(failed)
            pick.note_failure(failed, time.monotonic())
        self._progress(f"chain {chain.name}")
        return ChainReport(chain.name, chain.kind, hops, tuple(left_out), found, self._is_there(found))

    def _is_there(self, found: Walk) -> bool:
        return found.stop is None if self._destination is not None else found.is_answered

    async def _walk(self, hops: Sequence[ProxyURI], destination: Endpoint) -> Walk:
        isolation = self._isolation._replace(destination=destination.host)
        return await walk(hops, destination, self._deadlines, self._names, self._tunnels, isolation)

    async def _capabilities(self, hop: ProxyURI, first: Walk) -> HopReport:
        v6, name, takes_one_flight = await asyncio.gather(
            self._walk([hop], V6), self._walk([hop], NAME), self._takes_one_flight(hop)
        )
        carries = _carries(first), _carries(v6), _carries_name(name, first)
        advice = advise_on_names() if carries[2] is False else None
        if hop.scheme is Scheme.SSH and first.stop is not None and first.stop.kind is StopKind.RULES:
            carries, advice = (*carries[:2], None), advise(first.stop, frozenset())
        if hop.options.is_tor:
            advice = await self._ask_tor(hop) or advice
        return HopReport(hop, first, carries=carries, takes_one_flight=takes_one_flight, advice=advice)

    async def _takes_one_flight(self, hop: ProxyURI) -> bool | None:
        """Tell whether a proxy that answers does so too when it is sent the whole handshake at once."""
        if not is_for(PIPELINE, hop.kind):
            return None
        if hop.options.is_pipelined:
            return True
        hop = replace(hop, options=hop.options._replace(is_pipelined=True))
        limits = Deadlines(self._deadlines.connect_s, self._patience_s)
        return (await walk([hop], V4, limits, self._names, self._tunnels, self._isolation)).is_answered

    async def _ask_tor(self, hop: ProxyURI) -> str | None:
        """Return why a proxy that is said to be a Tor looks no names up."""
        maker = WayMaker(self._deadlines, self._names, self._tunnels)
        try:
            await ask_last([hop], TOR_QUESTION, maker, self._isolation)
        except AttemptFailed as exc:
            return exc.reason
        return None

    async def _identify(self, hop: ProxyURI) -> frozenset[Speaks]:
        if hop.path is not None or hop.scheme is Scheme.SSH:
            return frozenset()
        return await identify(str(hop.host), hop.port, self._patience_s)


def _is_final(stop: Stop, last: ProxyURI) -> bool:
    """Tell whether the last proxy has answered for the destination: no other one is asked for it then."""
    return stop.kind is StopKind.ANSWER or (
        stop.hop == last and stop.kind in {StopKind.RULES, StopKind.IMPOSSIBLE}
    )


def _in_flights(hop: ProxyURI) -> ProxyURI:
    return replace(hop, options=hop.options._replace(is_pipelined=False))


def _carries(found: Walk) -> bool | None:
    """Tell whether a proxy connects to an address; one that has rules may connect to others of the kind."""
    if found.stop is None or found.stop.kind is StopKind.ANSWER:
        return True
    is_refused = found.stop.kind is StopKind.IMPOSSIBLE or "REP 8" in found.stop.reason
    return False if is_refused else None


def _carries_name(found: Walk, by_address: Walk) -> bool | None:
    """Tell whether a proxy resolves names: `localhost` then meets what its address has met."""
    if found.stop is None:
        return True
    if by_address.stop is not None and found.stop[1:] == by_address.stop[1:]:
        return _carries(found)
    return None if found.stop.kind in PROTOCOL_FAULTS else False
