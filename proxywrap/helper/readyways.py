"""Connections that begin by a way that stands ready, where the first hop has such ways.

A socket cannot become another connection, so it is relayed to the way, and one
that is not as free as a relay's is goes to its hop by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from typing import TYPE_CHECKING

from proxywrap.address import Endpoint
from proxywrap.chains import Chain
from proxywrap.config import ChainType
from proxywrap.events import Note
from proxywrap.helper.context import Context, Spawn
from proxywrap.net.attentive import Stale
from proxywrap.net.lent import LentSocket
from proxywrap.net.way import Way
from proxywrap.net.waymaking import WayMaker
from proxywrap.protocol.isolation import Isolation
from proxywrap.uri import ProxyURI

if TYPE_CHECKING:
    from proxywrap.net.warm import Reserves  # which most hops have none of

__all__ = ["ReadyWays"]


class ReadyWays:
    """The ways that stand ready, of one helper.

    Args:
        context: what the sessions share.
        maker: makes ways, for as long as it is not replaced.
        spawn: runs a coroutine.

    """

    def __init__(self, context: Context, maker: WayMaker, spawn: Spawn) -> None:
        self._context = context
        self._maker = maker
        self._spawn = spawn
        self._reserves: Reserves | None = None

    def adopt(self, maker: WayMaker, hops: Collection[ProxyURI]) -> None:
        """Have `maker` make the ways from now on, and to no other proxies than `hops`."""
        self._maker = maker
        if self._reserves is not None:
            self._reserves.keep(hops)

    def close(self) -> None:
        """Have none any more."""
        if self._reserves is not None:
            self._reserves.close()

    def prepare(self, chain: Chain) -> None:
        """Have some ready for the next connection through a chain, where its first hop is known."""
        if chain.kind is ChainType.STRICT and chain.hops:
            self._want(chain.hops[0])

    async def begin(
        self,
        lent: LentSocket,
        hops: tuple[ProxyURI, ...],
        destination: Endpoint,
        isolation: Isolation,
        can_land: Callable[[LentSocket], bool],
    ) -> Way | None:
        """Return a way to `destination` that begins with one that stood ready, None where none is to be had.

        Args:
            lent: whose connection it is to be; nothing is done to it.
            hops: all of them, in their order.
            destination: for the last one.
            isolation: on whose behalf; for the hops behind the first one.
            can_land: tells whether a socket can be relayed to a way.

        Raises:
            AttemptFailed: the hop that failed, and why. One that hung up before it said a word has not.

        """
        reserves = self._want(hops[0])
        if reserves is None or not (lent.is_anywhere and can_land(lent)):
            return None
        ready = reserves.take(hops[0])
        if ready is None:
            return None
        with suppress(Stale):
            return await self._maker.extend(ready, hops, destination, isolation)
        return None

    def _want(self, hop: ProxyURI) -> Reserves | None:
        """Have ways to that hop ready from now on; None where it is to have none."""
        if not hop.options.warm:
            return None
        if self._reserves is None:
            from proxywrap.net.warm import Reserves  # noqa: PLC0415 - not before it is asked for

            self._reserves = Reserves(self._make, self._spawn, self._tell)
        self._reserves.want(hop)
        return self._reserves

    async def _make(self, hop: ProxyURI) -> Way:
        return await self._maker.open(hop)

    def _tell(self, hop: ProxyURI, reason: str) -> None:
        self._context.report(Note(f"{hop}: no connection to it can be kept ready: {reason}"))
