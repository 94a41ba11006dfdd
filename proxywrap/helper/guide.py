"""A socket connected along its route, and what became of it told.

Takes any socket of ours or of an application's; leaves it as the attempt did.
"""

from __future__ import annotations

import errno
import sys
import time
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from proxywrap.address import Endpoint, Host, unmapped
from proxywrap.chains import Chain
from proxywrap.errors import ProxywrapError
from proxywrap.events import Connected, Failed, Unverified
from proxywrap.helper.context import Context, Spawn
from proxywrap.helper.detours import Detours
from proxywrap.helper.outside import look_at_port
from proxywrap.helper.programs import program_names
from proxywrap.helper.readyways import ReadyWays
from proxywrap.helper.relays import Relays
from proxywrap.helper.router import Route, Unroutable
from proxywrap.net.connector import (
    AttemptFailed,
    Deadlines,
    OutOfReach,
    connect_chain,
    connect_direct,
    connect_dns,
)
from proxywrap.net.dnsserver import DnsServer
from proxywrap.net.hopnames import HopNames
from proxywrap.net.landing import Landing
from proxywrap.net.lent import LentSocket
from proxywrap.net.way import Way
from proxywrap.net.waymaking import WayMaker
from proxywrap.protocol.sockaddr import Place
from proxywrap.protocol.wire import ReplyMessage
from proxywrap.uri import ProxyURI

if TYPE_CHECKING:
    from proxywrap.protocol.torlookup import Answer  # as below

__all__ = ["Guide"]

Take = Callable[[Way], Awaitable[None]]
"""What becomes of a way that the socket itself cannot go."""


class Guide:
    """Knows the ways of one helper.

    Args:
        context: what the sessions share.
        deadlines: for the hops.
        dns: where this host's own name servers seem to be.
        relays: for the sockets that cannot reach their proxy.
        names: of the first proxies.
        spawn: runs a coroutine.

    """

    def __init__(
        self,
        context: Context,
        deadlines: Deadlines,
        dns: DnsServer,
        relays: Relays,
        names: HopNames,
        spawn: Spawn,
    ) -> None:
        self._context = context
        self._dns = dns
        self.relays = relays
        self._landing = Landing(deadlines.connect_s)
        self._names = names
        self._maker = WayMaker(deadlines, names, relays.tunnels)
        self._detours = Detours(context, self._maker, spawn)
        self._ready = ReadyWays(context, self._maker, spawn)

    def close(self) -> None:
        """Connect nothing any more, and find out no more about proxies."""
        self._ready.close()
        self._landing.close()
        self._detours.stop()

    def adopt(self, deadlines: Deadlines, hops: Collection[ProxyURI]) -> None:
        """Take other deadlines from now on, and know of no other proxies than `hops`."""
        tls = sys.modules.get("proxywrap.net.tls")
        if tls is not None:
            tls.tls_context.cache_clear()  # a file of certificates may be another one by now
        self._maker = WayMaker(deadlines, self._names, self.relays.tunnels)
        self._detours.adopt(self._maker, hops)
        self._ready.adopt(self._maker, hops)
        self.prepare()

    def prepare(self) -> None:
        """Have ready what the next connection is likely to ask for."""
        self._ready.prepare(self._context.router.default)

    async def lead(self, pid: int, place: Place, lent: LentSocket, take: Take | None = None) -> ReplyMessage:
        """Connect `lent` to what the application calls `place`; report it, return the errno or 0.

        Args:
            pid: of the application, for the report.
            place: as the application spelled it.
            lent: not connected; a failed attempt leaves it in any state.
            take: gets the way where `lent` itself cannot go it, and owns it. By default `lent` is
                connected to a relay.

        """
        take = take or partial(self._land, lent)
        started = time.monotonic()
        destination = Endpoint(place.address, place.port)
        try:
            route = self._context.router.route(place.address, place.port, partial(program_names, pid))
            destination = route.destination
            hops = await self._follow(pid, route, lent, place.scope_id, take)
        except AttemptFailed as exc:
            fault = Failed(
                pid,
                destination,
                exc.hop,
                exc.errno,
                exc.reason,
                exc.is_chain_fault,
                exc.is_unresolved,
                self._context.router.origin(exc.hop),
            )
        except Unroutable as exc:
            destination = exc.destination or destination
            fault = Failed(pid, destination, None, exc.errno, str(exc), is_chain_fault=False)
        except ProxywrapError as exc:
            fault = Failed(pid, destination, None, exc.errno, str(exc), is_chain_fault=False)
        else:
            self._context.report(Connected(pid, destination, hops, time.monotonic() - started))
            return ReplyMessage(is_direct=route.is_direct and not route.resolves_here)
        self._context.report(fault)
        return ReplyMessage(fault.errno)

    async def _follow(
        self, pid: int, route: Route, lent: LentSocket, scope_id: int, take: Take
    ) -> tuple[ProxyURI, ...]:
        """Connect along a route; return the proxies that were used."""
        destination = route.destination
        if route.resolves_here:
            destination = await self._look_up(destination)
        if route.chain is not None:
            connect = partial(self._connect, pid, lent, destination, take)
            hops, _ = await self._detours.through(pid, route.chain, connect, lent.disconnect)
            return hops
        assert not isinstance(destination.host, str)  # noqa: S101 - a name is looked up
        if route.is_dns:
            await connect_dns(lent, self._dns, unmapped(destination.host).version)
        else:
            look_at_port(self._context, pid, destination)
            await connect_direct(lent, destination, scope_id)
        return ()

    async def _look_up(self, destination: Endpoint) -> Endpoint:
        assert isinstance(destination.host, str)  # noqa: S101 - it is a name
        addresses = await self._names.look_up(destination.host)
        return Endpoint(addresses[0], destination.port)

    # -- chains --------------------------------------------------------------------

    async def ask(self, pid: int, chain: Chain, question: Host) -> Answer:
        """Return what the last proxy of a chain, a Tor, finds of a name or an address, on behalf of `pid`.

        Raises:
            AttemptFailed: the hop that failed, and why.

        """
        from proxywrap.net.asking import ask_last  # noqa: PLC0415 - few chains end in a Tor

        async def go(hops: tuple[ProxyURI, ...]) -> Answer:
            if not hops[-1].options.is_tor:
                reason = f"only a Tor looks names up: none is left at the end of {chain.name}"
                raise AttemptFailed(None, reason, errno=errno.EAGAIN, is_chain_fault=True)
            isolation = self._detours.isolate(pid, hops, question)
            return await ask_last(hops, question, self._maker, isolation)

        _, answer = await self._detours.through(pid, chain, go, lambda: None)
        return answer

    async def _connect(
        self, pid: int, lent: LentSocket, destination: Endpoint, take: Take, hops: tuple[ProxyURI, ...]
    ) -> None:
        """Go on by a way that stands ready, connect the socket itself where it can be, or make a way for it.

        Raises:
            AttemptFailed: the hop that failed, and why.

        """
        isolation = self._detours.isolate(pid, hops, destination.host)
        way = await self._ready.begin(lent, hops, destination, isolation, self._landing.can_take)
        if way is None and not any(hop.is_relayed for hop in hops):
            with suppress(OutOfReach):
                deadlines = self._maker.deadlines
                await connect_chain(lent, hops, destination, deadlines, self._names, isolation)
                return
        if way is None:
            way = await self._maker.make(hops, destination, isolation)
        for hop in hops:
            if hop.options.is_insecure:
                self._context.report(Unverified(pid, hop))
        await take(way)

    async def _land(self, lent: LentSocket, way: Way) -> None:
        """Connect the socket to us, and relay.

        Raises:
            AttemptFailed: it cannot be.

        """
        try:
            partner = await self._landing.take(lent)
        except BaseException:
            way.close()
            raise
        self.relays.add(partner, way)
