"""Which proxies of a chain are gone through, with others in the place of those that fail.

What is known of the proxies is shared by all that goes through them: by
connections, and by questions about names.
"""

from __future__ import annotations

import asyncio
import errno
import math
import os
import time
from collections.abc import Awaitable, Callable, Collection
from random import Random
from typing import TYPE_CHECKING, TypeVar

from proxywrap.address import Host
from proxywrap.chains import FIRST_PAUSE_S, Chain, Health, Selector
from proxywrap.config import PROXY_LIST_NAME, ChainType
from proxywrap.errors import LocalProtocolError, ProxyRefused
from proxywrap.events import Skipped
from proxywrap.helper.context import Context, Spawn
from proxywrap.helper.programs import process_identity
from proxywrap.hopoptions import Isolate
from proxywrap.net.blame import refused
from proxywrap.net.connector import AttemptFailed
from proxywrap.net.waymaking import WayMaker
from proxywrap.origin import with_origin
from proxywrap.protocol.diagnosis import wordless_refusal
from proxywrap.protocol.greeting import asks_at_once
from proxywrap.protocol.isolation import Isolation
from proxywrap.uri import ProxyURI

if TYPE_CHECKING:
    from proxywrap.helper.survey import Survey
    from proxywrap.net.scout import Scout

__all__ = ["Detours"]

T = TypeVar("T")

NAMED = 8
"""How many proxies one line names that are of no use."""


class Detours:
    """Knows which proxies have failed, and finds others.

    Args:
        context: what the sessions share.
        maker: makes ways to proxies, for as long as it is not replaced.
        spawn: runs a coroutine.

    """

    def __init__(self, context: Context, maker: WayMaker, spawn: Spawn) -> None:
        self._context = context
        self._maker = maker
        self._spawn = spawn
        self._secret = os.urandom(16)
        self._scout: Scout | None = None
        random = Random()  # noqa: S311 - it guards nothing
        self._selector = Selector(Health(random), random)
        self._surveys: dict[str, Survey] = {}
        self._reasons: dict[ProxyURI, str] = {}
        self._greeted: dict[tuple[ProxyURI, ...], _Greeted] = {}

    def adopt(self, maker: WayMaker, hops: Collection[ProxyURI]) -> None:
        """Have `maker` make the ways from now on, and know of no other proxies than `hops`."""
        self._maker = maker
        self._scout = None
        self._selector.health.keep(hops)
        self._reasons = {hop: reason for hop, reason in self._reasons.items() if hop in hops}
        self.stop()
        self._surveys.clear()
        self._greeted.clear()

    def stop(self) -> None:
        """Find out no more about proxies."""
        for survey in self._surveys.values():
            survey.stop()

    def _asker(self) -> Scout:
        """Return what finds out about proxies."""
        if self._scout is None:
            from proxywrap.net.scout import Scout  # noqa: PLC0415 - not before a proxy has failed

            self._scout = Scout(self._maker, Isolation(self._secret))
        return self._scout

    def _survey(self, chain: Chain) -> Survey:
        """Return what is being found out about a chain."""
        survey = self._surveys.get(chain.name)
        if survey is None or survey.chain is not chain:
            if survey is not None:  # of a file that was read anew
                survey.stop()
            from proxywrap.helper.survey import Survey  # noqa: PLC0415 - strict chains have none

            survey = Survey(chain, self._asker(), self._selector.health, self._spawn)
            self._surveys[chain.name] = survey
        return survey

    def isolate(self, pid: int, hops: Collection[ProxyURI], host: Host) -> Isolation:
        """Return on whose behalf `host` is asked for; by its process only where a proxy is to know it.

        A process that nobody knows, as of a question to a name server, is known by what it asks for.
        """
        process = b""
        if any(hop.options.isolate is Isolate.PROCESS for hop in hops):
            process = process_identity(pid) if pid else str(host).encode("utf-8", "surrogateescape")
        return Isolation(self._secret, process, host)

    async def through(
        self,
        pid: int,
        chain: Chain,
        go: Callable[[tuple[ProxyURI, ...]], Awaitable[T]],
        turn_back: Callable[[], None],
    ) -> tuple[tuple[ProxyURI, ...], T]:
        """Go through a chain, with other proxies in the place of those that fail.

        Args:
            pid: of the application.
            chain: it.
            go: through these proxies, or raises AttemptFailed.
            turn_back: called before others are tried.

        Returns:
            The proxies that were used, and what `go` returned.

        Raises:
            AttemptFailed: the destination's own answer, or the last proxy's failure.

        """
        if chain.kind is ChainType.STRICT:
            return await self._through_all(chain.hops, go)
        pick = self._selector.pick(chain)
        survey = self._survey(chain)
        skipped = _Skipped(self._context, pid, chain, self._reasons)
        until_s = time.monotonic() + 2 * sum(self._maker.deadlines)
        try:
            while time.monotonic() < until_s:
                find = survey.in_order if chain.kind is ChainType.DYNAMIC else survey.any
                hops = await find(pick, skipped.add)
                if not hops:
                    break
                try:
                    found = await go(hops)
                except AttemptFailed as exc:
                    failure = await self._judge(exc, hops)
                    culprit = _culprit(failure, hops)
                    if culprit is None:
                        skipped.has_gone_on = True
                        raise failure from failure.__cause__
                    pick.note_failure(culprit, time.monotonic())
                    skipped.add(culprit, failure.reason)
                    turn_back()
                else:
                    pick.note_success(hops)
                    skipped.has_gone_on = True
                    return hops, found
        finally:
            skipped.report()
        reason = self._why_none(chain)
        raise AttemptFailed(None, reason, errno=errno.EHOSTUNREACH, is_chain_fault=True)

    def _why_none(self, chain: Chain) -> str:
        """Say of all proxies of a chain that they cannot be used, and why, in one line."""
        is_good = self._selector.health.is_good
        hops = [hop for hop in chain.hops if hop in self._reasons and not is_good(hop)]
        origin = self._context.router.origin
        known = [f"{with_origin(hop, origin(hop))}: {self._reasons[hop]}" for hop in hops]
        more = len(known) - NAMED
        tail = [f"and {more} more, which -v names"] if more > 0 else []
        name = f"[{chain.name}]" if chain.name == PROXY_LIST_NAME else f"[chain {chain.name}]"
        head = "no proxy" if len(hops) == len(chain.hops) else "too few proxies"
        return f"{head} of {name} can be used: " + "; ".join([*known[:NAMED], *tail])

    async def _through_all(
        self, hops: tuple[ProxyURI, ...], go: Callable[[tuple[ProxyURI, ...]], Awaitable[T]]
    ) -> tuple[tuple[ProxyURI, ...], T]:
        """Go through a strict chain, which there is no other in the place of."""
        try:
            return hops, await go(hops)
        except AttemptFailed as exc:
            failure = await self._judge(exc, hops)
            raise failure from failure.__cause__

    async def _judge(self, failed: AttemptFailed, hops: tuple[ProxyURI, ...]) -> AttemptFailed:
        """Return the failure of what is to blame, which may be another one.

        A proxy whose first words are its answer to the request may close or be silent because of
        what it was asked for. If it is there, it is the next one, or the destination, that failed.
        """
        hop, refusal = failed.hop, wordless_refusal(failed.__cause__)
        if hop is None or failed.is_unreached or refusal is None or not asks_at_once(hop):
            return failed
        at = hops.index(hop)
        if not await self._is_there(hops[:at], hop):
            return failed
        judged = refused(hop, refusal, hops[at + 1] if at + 1 < len(hops) else None)
        judged.__cause__ = refusal
        return judged

    async def _is_there(self, prefix: tuple[ProxyURI, ...], hop: ProxyURI) -> bool:
        """Tell whether a proxy that has closed, or was silent, is one; that counts for a while."""
        way = (*prefix, hop)
        known = self._greeted.get(way)
        if known is None or time.monotonic() >= known.until_s:
            known = self._greeted[way] = _Greeted()
            known.task = self._spawn(self._greet(known, prefix, hop))
        if known.task is not None:
            await asyncio.shield(known.task)
        return known.is_there

    async def _greet(self, known: _Greeted, prefix: tuple[ProxyURI, ...], hop: ProxyURI) -> None:
        scout = self._asker()
        known.is_there = await scout.ask(prefix, hop, scout.patience_s(1)) is None
        known.until_s = time.monotonic() + FIRST_PAUSE_S


class _Greeted:
    """Whether a proxy is there, which is being found out, or holds until then."""

    def __init__(self) -> None:
        self.task: asyncio.Task[None] | None = None
        self.is_there = False
        self.until_s = math.inf


def _culprit(failed: AttemptFailed, hops: tuple[ProxyURI, ...]) -> ProxyURI | None:
    """Return the proxy that is to blame, None where the last one has answered for the destination.

    That is final: the destination is connected to once at most.
    """
    if failed.hop is None or failed.is_unreached:
        return failed.hop
    at = hops.index(failed.hop)
    next_hop = hops[at + 1] if at + 1 < len(hops) else None
    match failed.__cause__:
        case ProxyRefused(is_authentication=False) | LocalProtocolError() if next_hop is None:
            return None
        case LocalProtocolError():
            return next_hop  # whose name the proxy before it cannot be asked for
        case _:
            return failed.hop


class _Skipped:
    """The proxies that one connection has done without.

    Which of a dynamic chain they are is told when it is known whether the chain
    goes on without them: else one line says so of all.
    """

    def __init__(self, context: Context, pid: int, chain: Chain, reasons: dict[ProxyURI, str]) -> None:
        self._context = context
        self._pid = pid
        self._waits = chain.kind is ChainType.DYNAMIC
        self._reasons = reasons
        self._hops: list[ProxyURI] = []
        self.has_gone_on = False

    def add(self, hop: ProxyURI, reason: str) -> None:
        """Take note of one."""
        self._reasons[hop] = reason
        if self._waits:
            self._hops.append(hop)
        else:
            self._tell(hop, reason)

    def report(self) -> None:
        """Tell of those that have not been told of."""
        for hop in self._hops:
            self._tell(hop, self._reasons[hop])

    def _tell(self, hop: ProxyURI, reason: str) -> None:
        is_shortened = self._waits and self.has_gone_on
        origin = self._context.router.origin(hop)
        self._context.report(Skipped(self._pid, hop, reason, is_shortened, origin))
