"""The chains of a configuration tried as connections go through them, and every proxy by those before it.

What is asked for is the last proxy's own loopback, where nobody listens on
port 1: its refusal tells that the way there works, and troubles no third party.
A proxy that only others lead to is never connected to from here: it may be
another host's there, or must not learn of us.
"""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address

from proxywrap.address import Endpoint
from proxywrap.advice import CLOSES, LEAVE_IT_OUT, PROTOCOL_FAULTS, advise, advise_on_names, is_foreign
from proxywrap.chains import Chain, chains_of
from proxywrap.chaintrial import ChainTrial, try_chain
from proxywrap.config import ChainType, Config
from proxywrap.errors import TimedOut
from proxywrap.findings import ChainReport, HopReport, Report
from proxywrap.helper.programs import process_identity
from proxywrap.hopoptions import PIPELINE, is_for
from proxywrap.net.asking import ask_last
from proxywrap.net.connector import AttemptFailed, Deadlines
from proxywrap.net.hopnames import HopNames
from proxywrap.net.identify import Speaks, identify
from proxywrap.net.probe import blame_next, walk
from proxywrap.net.probessh import stop_of
from proxywrap.net.scout import Scout
from proxywrap.net.tunnels import Tunnels
from proxywrap.net.walking import Stop, StopKind, Walk
from proxywrap.net.way import Way
from proxywrap.net.waymaking import WayMaker
from proxywrap.protocol.isolation import Isolation
from proxywrap.scheme import Scheme
from proxywrap.uri import ProxyURI

__all__ = ["check"]

MAX_AT_A_TIME = 16
"""Proxies that are tried side by side."""

LONGEST_QUESTION_S = 3.0
"""How long a server may take for what it is asked beyond the configuration."""

SLOW_S = 0.5
"""After so much silence it is found out what listens there."""

QUICK_S = 1.5
"""How long a server may take to show what it is, while it is waited for."""

V4 = Endpoint(IPv4Address("127.0.0.1"), 1)
V6 = Endpoint(IPv6Address("::1"), 1)
NAME = Endpoint("localhost", 1)

TOR_QUESTION = "192.0.2.1"
"""As a name: Tor answers it at once, asking nobody."""

_ABOUT_QUESTION = {StopKind.SILENT, StopKind.IMPOSSIBLE}
"""What may be due to the destination that was asked for."""

Place = tuple[tuple[ProxyURI, ...], ProxyURI]
"""A proxy, behind those that lead to it."""

_NO_ANSWERS = {StopKind.CLOSED, StopKind.SILENT}
"""What may be a proxy's way to say no to what it is asked for."""


async def check(config: Config, destination: Endpoint | None, progress: Callable[[str], None]) -> Report:
    """Try everything that a configuration has.

    Args:
        config: it.
        destination: what the chains are to reach; None for the loopback of the last proxy.
        progress: is told what has been tried, as it has.

    """
    checker = _Checker(config, destination, progress)
    try:
        async with asyncio.TaskGroup() as tasks:
            ways = [tasks.create_task(checker.try_chain(chain)) for chain in chains_of(config).values()]
    finally:
        await checker.close()
    found = [way.result() for way in ways]
    hops = {(hop.through, hop.hop): hop for _, hops in found for hop in hops}
    return Report(tuple(hops.values()), tuple(chain for chain, _ in found))


class _Checker:
    def __init__(self, config: Config, destination: Endpoint | None, progress: Callable[[str], None]) -> None:
        options = config.options
        self._config = config
        self._deadlines = Deadlines(
            options.tcp_connect_time_out_ms / 1000, options.tcp_read_time_out_ms / 1000
        )
        self._patience_s = min(LONGEST_QUESTION_S, self._deadlines.read_s)
        self._destination = destination
        self._progress = progress
        self._names = HopNames()
        self._tunnels = Tunnels(os.environ)
        self._maker = WayMaker(self._deadlines, self._names, self._tunnels)
        self._isolation = Isolation(os.urandom(16), process_identity(os.getpid()))
        self._scout = Scout(self._maker, self._isolation)
        self._turns = asyncio.Semaphore(MAX_AT_A_TIME)
        self._trying: dict[Place, asyncio.Lock] = {}
        self._reports: dict[Place, HopReport] = {}

    async def close(self) -> None:
        """End what it has started."""
        await self._tunnels.close(0)

    # -- chains --------------------------------------------------------------------

    async def try_chain(self, chain: Chain) -> tuple[ChainReport, Sequence[HopReport]]:
        """Try a chain and its proxies."""
        if chain.kind is ChainType.STRICT:
            result = await self._try_in_order(chain)
        else:
            result = await self._try_with_others(chain)
        self._progress(f"chain {chain.name}")
        return result

    async def _try_in_order(self, chain: Chain) -> tuple[ChainReport, Sequence[HopReport]]:
        """Try a strict chain: one proxy after the other, for what one does not lead to is not tried."""
        reports: list[HopReport] = []
        for at, hop in enumerate(chain.hops):
            before = chain.hops[:at]
            failed = next((each for each in reports if _leads_nowhere(each)), None)
            reports.append(
                await self._report_on(before, hop)
                if failed is None
                else _untried(before, hop, failed.hop, Walk(stop=failed.walk.stop))
            )
        last = reports[-1]
        found = last.walk if not last.is_good else await self._walk(chain.hops, self._destination or V4)
        return self._judge(chain, chain.hops, (), found), reports

    async def _try_with_others(self, chain: Chain) -> tuple[ChainReport, Sequence[HopReport]]:
        """Try a chain with other proxies in the place of those that fail."""
        is_ordered = chain.kind is ChainType.DYNAMIC  # else any proxy may be the first
        foreign = await self._find_foreign(chain.hops, is_ordered=is_ordered)
        left = tuple(hop for hop in chain.hops if hop not in foreign)
        trial = ChainTrial(chain.hops)
        if len(left) >= (1 if is_ordered else chain.length):
            trial = await try_chain(
                chain._replace(hops=left), self._config, self._maker, self._destination or V4
            )
        trial.left_out += foreign
        is_slow = trial.failure is not None and isinstance(trial.failure.__cause__, TimedOut)
        if not set(trial.hops).isdisjoint(foreign):
            found = Walk(stop=foreign[next(hop for hop in trial.hops if hop in foreign)])
        elif trial.failure is not None and (is_slow or not trial.is_answer):
            found = Walk(stop=stop_of(trial.failure, trial.hops[-1]))
        else:
            found = await self._walk(trial.hops, self._destination or V4)
        async with asyncio.TaskGroup() as tasks:
            reports = [
                tasks.create_task(
                    self._report_on(
                        tuple(each for each in trial.good if is_ordered and each in chain.hops[:at]), hop
                    )
                )
                for at, hop in enumerate(chain.hops)
            ]
        judged = self._judge(chain, trial.hops, tuple(trial.left_out), found)
        return judged, [report.result() for report in reports]

    async def _find_foreign(self, hops: Sequence[ProxyURI], *, is_ordered: bool) -> dict[ProxyURI, Stop]:
        """Return the servers of another kind among the proxies of a chain, as far as they show that soon.

        A connection learns of each by the end of its time-out only.
        """
        foreign: dict[ProxyURI, Stop] = {}

        async def look(through: tuple[ProxyURI, ...], hop: ProxyURI) -> HopReport:
            report = await self._report_on(through, hop)
            if report.walk.stop is not None and is_foreign(hop, frozenset(report.speaks)):
                foreign[hop] = report.walk.stop
            return report

        with suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_QUESTION_S):
                if not is_ordered:
                    await asyncio.gather(*(look((), hop) for hop in hops))
                    return foreign
                through: tuple[ProxyURI, ...] = ()
                for hop in hops:
                    report = await look(through, hop)
                    if report.is_good:
                        through = (*through, hop)
                    elif not _leads_nowhere(report):
                        break
        return foreign

    def _judge(
        self, chain: Chain, hops: tuple[ProxyURI, ...], left_out: tuple[ProxyURI, ...], found: Walk
    ) -> ChainReport:
        return ChainReport(chain.name, chain.kind, hops, left_out, found, self._destination)

    async def _report_on(self, through: tuple[ProxyURI, ...], hop: ProxyURI) -> HopReport:
        """Try a proxy, once for all chains in which the same ones lead to it."""
        place = through, hop
        async with self._trying.setdefault(place, asyncio.Lock()):
            if place not in self._reports:
                self._reports[place] = await self._try_hop(through, hop)
        return self._reports[place]

    async def _walk(self, hops: Sequence[ProxyURI], destination: Endpoint) -> Walk:
        """Go through proxies; find out what it means if one of them does not answer."""
        isolation = self._isolation._replace(destination=destination.host)
        found = await walk(hops, destination, self._deadlines, self._names, self._tunnels, isolation)
        stop, at = found.stop, found.at
        if stop is None or stop.kind not in _NO_ANSWERS or hops[at].scheme is Scheme.SSH:
            return found
        if await self._scout.ask(hops[:at], hops[at], self._patience_s) is not None:
            return found
        is_closed = stop.kind is StopKind.CLOSED
        said = "closes the connection in answer to that" if is_closed else "does not answer that in time"
        found.stop = stop._replace(kind=StopKind.HUNG_UP if is_closed else stop.kind, reason=said)
        if at + 1 < len(hops):
            blame_next(found, hops[at + 1])
        return found

    # -- proxies -------------------------------------------------------------------

    async def _try_hop(self, through: tuple[ProxyURI, ...], hop: ProxyURI) -> HopReport:
        """Try one proxy, by those that lead to it."""
        async with self._turns:
            first, speaks = await self._meet(through, hop)
            own = Walk(first.last_steps, first.stop)
            if first.at < len(through):
                report = _untried(through, hop, through[first.at], own)
            elif first.is_answered:
                report = await self._capabilities(through, hop, own)
            elif hop.options.is_pipelined and (await self._go(through, _in_flights(hop), V4)).is_answered:
                report = HopReport(hop, own, through, takes_one_flight=False, advice=LEAVE_IT_OUT)
            else:
                assert first.stop is not None  # noqa: S101 - it would be answered
                if not speaks and first.stop.kind in PROTOCOL_FAULTS:
                    speaks = await self._identify(through, hop, self._patience_s)
                advice = advise(first.stop, speaks)
                report = HopReport(hop, own, through, speaks=tuple(sorted(speaks)), advice=advice)
        self._progress(str(hop))
        return report

    async def _meet(self, through: tuple[ProxyURI, ...], hop: ProxyURI) -> tuple[Walk, frozenset[Speaks]]:
        """Ask a proxy; find out meanwhile what a silent one is, and give it up if it is something else."""
        speaks: frozenset[Speaks] = frozenset()
        async with asyncio.TaskGroup() as tasks:
            walking = tasks.create_task(self._walk([*through, hop], V4))
            await asyncio.wait([walking], timeout=SLOW_S)
            if not walking.done():
                speaks = await self._identify(through, hop, min(QUICK_S, self._patience_s))
                if is_foreign(hop, speaks):
                    walking.cancel()
        if not walking.cancelled():
            return walking.result(), speaks
        found = Walk(stop=Stop(hop, StopKind.FOREIGN, "speaks another protocol", errno.ECONNREFUSED))
        found.arrive(len(through))
        return found, speaks

    async def _go(self, through: tuple[ProxyURI, ...], hop: ProxyURI, destination: Endpoint) -> Walk:
        return await self._walk([*through, hop], destination)

    async def _capabilities(self, through: tuple[ProxyURI, ...], hop: ProxyURI, first: Walk) -> HopReport:
        v6, name, takes_one_flight = await asyncio.gather(
            self._go(through, hop, V6), self._go(through, hop, NAME), self._takes_one_flight(through, hop)
        )
        carries = _carries(first), _carries(v6), _carries_name(name, first)
        advice = advise_on_names() if carries[2] is False else None
        if first.stop is not None and first.stop.kind is StopKind.HUNG_UP and self._destination is None:
            advice = CLOSES
        if hop.scheme is Scheme.SSH and first.stop is not None and first.stop.kind is StopKind.RULES:
            carries, advice = (*carries[:2], None), advise(first.stop, frozenset())
        if hop.options.is_tor:
            advice = await self._ask_tor(through, hop) or advice
        return HopReport(
            hop, first, through, carries=carries, takes_one_flight=takes_one_flight, advice=advice
        )

    async def _takes_one_flight(self, through: tuple[ProxyURI, ...], hop: ProxyURI) -> bool | None:
        """Tell whether a proxy that answers does so too when it is sent the whole handshake at once."""
        if not is_for(PIPELINE, hop.kind):
            return None
        if hop.options.is_pipelined:
            return True
        hop = replace(hop, options=hop.options._replace(is_pipelined=True))
        limits = Deadlines(self._deadlines.connect_s, self._patience_s)
        found = await walk([*through, hop], V4, limits, self._names, self._tunnels, self._isolation)
        is_closed = found.stop is not None and found.stop.kind is StopKind.CLOSED
        return None if is_closed else found.is_answered

    async def _ask_tor(self, through: tuple[ProxyURI, ...], hop: ProxyURI) -> str | None:
        """Return why a proxy that is said to be a Tor looks no names up."""
        try:
            await ask_last([*through, hop], TOR_QUESTION, self._maker, self._isolation)
        except AttemptFailed as exc:
            return exc.reason
        return None

    async def _identify(
        self, through: tuple[ProxyURI, ...], hop: ProxyURI, limit_s: float
    ) -> frozenset[Speaks]:
        if hop.path is not None or hop.scheme in {Scheme.SSH, Scheme.RAW}:
            return frozenset()
        place = ProxyURI(Scheme.RAW, hop.host, hop.port)  # nothing is said to it

        async def reach() -> Way:
            return await self._maker.make([*through, place], V4, self._isolation)

        return await identify(reach, str(hop.host), limit_s)


def _leads_nowhere(report: HopReport) -> bool:
    """Tell whether a proxy leads to none behind it; a silent one may only not like the question."""
    stop = report.walk.stop
    return not report.is_good and stop is not None and stop.kind not in _ABOUT_QUESTION


def _untried(through: tuple[ProxyURI, ...], hop: ProxyURI, failed: ProxyURI, found: Walk) -> HopReport:
    return HopReport(hop, found, through, failed, advice=f"not tried: {failed} does not lead to it")


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
    return None if found.stop.kind in {*PROTOCOL_FAULTS, StopKind.HUNG_UP} else False
