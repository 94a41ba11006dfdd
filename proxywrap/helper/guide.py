"""A socket connected along its route, and what became of it told.

Takes any socket of ours or of an application's; leaves it as the attempt did.
"""

from __future__ import annotations

import time

from proxywrap.address import Endpoint, unmapped
from proxywrap.errors import ProxywrapError
from proxywrap.events import Connected, Failed
from proxywrap.helper.context import Context
from proxywrap.helper.router import Route
from proxywrap.net.connector import AttemptFailed, Deadlines, connect_chain, connect_direct, connect_dns
from proxywrap.net.dnsserver import DnsServer
from proxywrap.net.hopnames import HopNames
from proxywrap.net.lent import LentSocket
from proxywrap.protocol.sockaddr import Place
from proxywrap.protocol.wire import ReplyMessage

__all__ = ["Guide"]


class Guide:
    """Knows the ways of one helper.

    Args:
        context: what the sessions share.
        deadlines: for the hops.
        dns: where this host's own name servers seem to be.

    """

    def __init__(self, context: Context, deadlines: Deadlines, dns: DnsServer) -> None:
        self._context = context
        self._deadlines = deadlines
        self._dns = dns
        self._names = HopNames()

    async def lead(self, pid: int, place: Place, lent: LentSocket) -> ReplyMessage:
        """Connect `lent` to what the application calls `place`; report it, return the errno or 0.

        Args:
            pid: of the application, for the report.
            place: as the application spelled it.
            lent: not connected; a failed attempt leaves it in any state.

        """
        started = time.monotonic()
        destination = Endpoint(place.address, place.port)
        try:
            route = self._context.router.route(place.address, place.port)
            destination = route.destination
            await self._follow(route, lent, place.scope_id)
        except AttemptFailed as exc:
            fault = Failed(pid, destination, exc.hop, exc.errno, exc.reason, exc.is_chain_fault)
        except ProxywrapError as exc:
            fault = Failed(pid, destination, None, exc.errno, str(exc), is_chain_fault=False)
        else:
            self._context.report(Connected(pid, destination, route.hops, time.monotonic() - started))
            return ReplyMessage(is_direct=not route.hops and not route.is_dns)
        self._context.report(fault)
        return ReplyMessage(fault.errno)

    async def _follow(self, route: Route, lent: LentSocket, scope_id: int) -> None:
        host = route.destination.host
        if route.hops:
            await connect_chain(lent, route.hops, route.destination, self._deadlines, self._names)
        elif route.is_dns and not isinstance(host, str):
            await connect_dns(lent, self._dns, unmapped(host).version)
        else:
            await connect_direct(lent, route.destination, scope_id)
