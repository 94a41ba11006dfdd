"""What is known of a chain's proxies found out, for all connections together.

An application waits only where it must: for the first proxy that is of use,
when nothing is known yet. What has failed is asked again behind its back.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from proxywrap.chains import Chain, Health, Pick
from proxywrap.helper.context import Spawn
from proxywrap.net.scout import Scout
from proxywrap.uri import ProxyURI

__all__ = ["Survey"]

HEAD_START_S = 0.25
"""How long a proxy whose turn it is is waited for while others are known to be good (RFC 8305, section 5)."""

FEW = 8
"""With so many proxies in a dynamic chain, the first connection tries them without having asked them all."""


class Survey:
    """The survey of one chain.

    Args:
        chain: whose proxies are asked.
        scout: asks them.
        health: learns of the answers.
        spawn: runs a coroutine.

    """

    def __init__(self, chain: Chain, scout: Scout, health: Health, spawn: Spawn) -> None:
        self.chain = chain
        self._scout = scout
        self._health = health
        self._spawn = spawn
        self._task: asyncio.Task[None] | None = None
        self._is_stopped = False
        self._began_s = 0.0
        self._has_stirred = asyncio.Event()
        self._turn = asyncio.Lock()
        self._may_be_hasty = True

    def stop(self) -> None:
        """Ask no more; who waits takes what is known."""
        self._is_stopped = True
        if self._task is not None:
            self._task.cancel()

    # -- random and round-robin chains ------------------------------------------------

    async def any(self, pick: Pick, skip: Callable[[ProxyURI, str], None]) -> tuple[ProxyURI, ...]:
        """Return proxies of a chain whose first may be any, nothing where there are too few.

        Args:
            pick: of the connection.
            skip: called for each proxy that cannot be used.

        """
        length = self.chain.length
        while True:
            self._begin(pick, skip)
            wanted, good = pick.hopeful()[:length], pick.good()
            if len(wanted) == length and wanted == good[:length]:
                return pick.take(good)
            left_s = self._began_s + HEAD_START_S - time.monotonic() if len(good) >= length else None
            if self._task is None or (left_s is not None and left_s <= 0):
                return pick.take(good) or pick.last_resort()
            await self._until_stirred(left_s)

    def _begin(self, pick: Pick, skip: Callable[[ProxyURI, str], None]) -> None:
        """Ask, behind everybody's back, what nothing is known of."""
        unknown = pick.unknown(time.monotonic())
        if self._task is None and unknown and not self._is_stopped:
            self._began_s = time.monotonic()
            self._task = self._spawn(self._sweep(unknown, skip))

    async def _sweep(self, hops: Sequence[ProxyURI], skip: Callable[[ProxyURI, str], None]) -> None:
        def tell(hop: ProxyURI, reason: str | None) -> None:
            self._note(hop, reason, skip)
            self._stir()

        try:
            await self._scout.sweep(hops, tell)
        finally:
            self._task = None
            self._stir()

    def _stir(self) -> None:
        self._has_stirred.set()
        self._has_stirred = asyncio.Event()

    async def _until_stirred(self, limit_s: float | None) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                await self._has_stirred.wait()

    # -- dynamic chains -----------------------------------------------------------------

    async def in_order(self, pick: Pick, skip: Callable[[ProxyURI, str], None]) -> tuple[ProxyURI, ...]:
        """Return the proxies of a dynamic chain that are thought to be of use, one at least if any is left.

        Args:
            pick: of the connection.
            skip: called for each proxy that cannot be used.

        """
        async with self._turn:
            while True:
                hops = pick.hopeful()
                untried = [hop for hop in hops if self._health.is_untried(hop)]
                if not untried:
                    break
                if self._may_be_hasty and len(untried) <= FEW and self._health.is_good(hops[0]):
                    self._may_be_hasty = False
                    break
                await self._find_next(hops, skip)
        lapsed = [hop for hop in pick.unknown(time.monotonic()) if not self._health.is_untried(hop)]
        if self._task is None and lapsed and not self._is_stopped:
            self._task = self._spawn(self._ask_again(lapsed))
        return hops or pick.last_resort()

    async def _find_next(self, hops: Sequence[ProxyURI], skip: Callable[[ProxyURI, str], None]) -> None:
        """Ask the first proxies that are not known to be good, each through those before it that are."""
        at = next(at for at, hop in enumerate(hops) if not self._health.is_good(hop))
        prefix, rest = hops[:at], hops[at:]
        found, lost = await self._scout.find(prefix, rest)
        for hop, reason in lost:
            self._note(hop, reason, skip)
        if found is not None:
            self._health.note_success(found)

    async def _ask_again(self, hops: Sequence[ProxyURI]) -> None:
        try:
            for hop in hops:
                before = self.chain.hops[: self.chain.hops.index(hop)]
                prefix = tuple(filter(self._health.is_good, before))
                reason = await self._scout.ask(prefix, hop, self._scout.patience_s(len(hops)))
                self._note(hop, reason, lambda _hop, _reason: None)
        finally:
            self._task = None

    # -- both -----------------------------------------------------------------------------

    def _note(self, hop: ProxyURI, reason: str | None, skip: Callable[[ProxyURI, str], None]) -> None:
        if reason is None:
            self._health.note_success(hop)
        else:
            self._health.note_failure(hop, time.monotonic())
            skip(hop, reason)
