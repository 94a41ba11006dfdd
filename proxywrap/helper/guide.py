"""A socket connected along its route, and what became of it told.

Takes any socket of ours or of an application's; leaves it as the attempt did.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from functools import partial
from random import Random
from typing import TypeVar

from proxywrap.address import Endpoint, Host, unmapped
from proxywrap.chains import Chain, Health, Selector
from proxywrap.config import ChainType
from proxywrap.errors import (
    LocalProtocolError,
    ProxyRefused,
    ProxywrapError,
    TimedOut,
    TruncatedError,
)
from proxywrap.events import Connected, Failed, Skipped, Unverified
from proxywrap.helper.context import Context
from proxywrap.helper.programs import process_identity, program_names
from proxywrap.helper.relays import Relays
from proxywrap.helper.router import Route, Unroutable
from proxywrap.helper.survey import Spawn, Survey
from proxywrap.hopoptions import Isolate
from proxywrap.net.asking import ask_last
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
from proxywrap.net.scout import Scout
from proxywrap.net.way import Way, make_way
from proxywrap.protocol.isolation import Isolation
from proxywrap.protocol.sockaddr import Place
from proxywrap.protocol.torlookup import Answer
from proxywrap.protocol.wire import ReplyMessage
from proxywrap.uri import ProxyURI

__all__ = ["Guide"]

T = TypeVar("T")

Take = Callable[[Way], Awaitable[None]]
"""What becomes of a way that the socket itself cannot go."""


class Guide:
    """Knows the ways of one helper, and which proxies have failed.

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
        self._deadlines = deadlines
        self._dns = dns
        self.relays = relays
        self._landing = Landing(deadlines.connect_s)
        self._names = names
        self._spawn = spawn
        self._secret = os.urandom(16)
        self._scout = self._new_scout()
        random = Random()  # noqa: S311 - it guards nothing
        self._selector = Selector(Health(random), random)
        self._surveys: dict[str, Survey] = {}

    def close(self) -> None:
        """Connect nothing any more, and find out no more about proxies."""
        self._landing.close()
        self._stop_surveys()

    def _new_scout(self) -> Scout:
        return Scout(self._names, self._deadlines, Isolation(self._secret))

    def _stop_surveys(self) -> None:
        for survey in self._surveys.values():
            survey.stop()

    def adopt(self, deadlines: Deadlines, hops: Collection[ProxyURI]) -> None:
        """Take other deadlines from now on, and know of no other proxies than `hops`."""
        self._deadlines = deadlines
        self._scout = self._new_scout()
        self._selector.health.keep(hops)
        self._stop_surveys()
        self._surveys.clear()

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
            fault = Failed(pid, destination, exc.hop, exc.errno, exc.reason, exc.is_chain_fault)
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
            hops, _ = await self._through(pid, route.chain, connect, lent.disconnect)
            return hops
        assert not isinstance(destination.host, str)  # noqa: S101 - a name is looked up
        if route.is_dns:
            await connect_dns(lent, self._dns, unmapped(destination.host).version)
        else:
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

        async def go(hops: tuple[ProxyURI, ...]) -> Answer:
            if not hops[-1].options.is_tor:
                reason = f"only a Tor looks names up: none is left at the end of {chain.name}"
                raise AttemptFailed(None, reason, errno=errno.EAGAIN, is_chain_fault=True)
            isolation = self._isolate(pid, hops, question)
            return await ask_last(hops, question, self._deadlines, self._names, isolation)

        _, answer = await self._through(pid, chain, go, lambda: None)
        return answer

    async def _through(
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
            return chain.hops, await go(chain.hops)
        pick = self._selector.pick(chain)
        survey = self._surveys.get(chain.name)
        if survey is None or survey.chain is not chain:
            if survey is not None:  # of a file that was read anew
                survey.stop()
            survey = Survey(chain, self._scout, self._selector.health, self._spawn)
            self._surveys[chain.name] = survey
        skip = partial(self._report_skip, pid)
        until_s = time.monotonic() + 2 * (self._deadlines.connect_s + self._deadlines.read_s)
        reason = f"none of the proxies of {chain.name} can be used: see -v"
        failure = AttemptFailed(None, reason, errno=errno.ECONNREFUSED, is_chain_fault=True)
        while time.monotonic() < until_s:
            hops = await (survey.in_order if chain.kind is ChainType.DYNAMIC else survey.any)(pick, skip)
            if not hops:
                break
            try:
                found = await go(hops)
            except AttemptFailed as exc:
                culprit = await self._find_culprit(exc, hops)
                if culprit is None:
                    raise
                failure = exc
                pick.note_failure(culprit, time.monotonic())
                skip(culprit, exc.reason)
                turn_back()
            else:
                pick.note_success(hops)
                return hops, found
        raise failure

    def _isolate(self, pid: int, hops: Collection[ProxyURI], host: Host) -> Isolation:
        """Return on whose behalf `host` is asked for; by its process only where a proxy is to know it."""
        is_by_process = any(hop.options.isolate is Isolate.PROCESS for hop in hops)
        return Isolation(self._secret, process_identity(pid) if is_by_process else b"", host)

    async def _connect(
        self, pid: int, lent: LentSocket, destination: Endpoint, take: Take, hops: tuple[ProxyURI, ...]
    ) -> None:
        """Connect the socket itself where it can be, or make a way for it.

        Raises:
            AttemptFailed: the hop that failed, and why.

        """
        isolation = self._isolate(pid, hops, destination.host)
        if not any(hop.is_relayed for hop in hops):
            with suppress(OutOfReach):
                await connect_chain(lent, hops, destination, self._deadlines, self._names, isolation)
                return
        way = await make_way(hops, destination, self._deadlines, self._names, isolation)
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

    async def _find_culprit(self, failed: AttemptFailed, hops: tuple[ProxyURI, ...]) -> ProxyURI | None:
        """Return the proxy that is to blame, None where the last one has answered for the destination.

        That is final: the destination is connected to once at most. A proxy
        that hangs up or falls silent may do so because of what it was asked
        for (ssh -D has no other answer): it is asked whether it is there at all.
        """
        if failed.hop is None or failed.is_unreached:
            return failed.hop
        at = hops.index(failed.hop)
        next_hop = hops[at + 1] if at + 1 < len(hops) else None
        match failed.__cause__:
            case ProxyRefused(is_authentication=False) | LocalProtocolError() if next_hop is None:
                return None
            case TruncatedError() | TimedOut() | OSError():
                is_there = await self._scout.ask(hops[:at], failed.hop, self._scout.patience_s(1)) is None
                return next_hop if is_there else failed.hop
            case _:
                return failed.hop

    def _report_skip(self, pid: int, hop: ProxyURI, reason: str) -> None:
        self._context.report(Skipped(pid, hop, reason))
