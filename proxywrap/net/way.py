"""Ways: connections of our own that lead through a chain, for sockets that cannot go there themselves.

A way is made as a lent socket is connected, by the same steps; then it is
relayed to.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

from proxywrap.address import Endpoint
from proxywrap.net.blame import blaming
from proxywrap.net.carrier import Carrier
from proxywrap.net.connector import Deadlines, ask_hop, joining
from proxywrap.net.copying import CopyingRelay
from proxywrap.net.hopnames import HopNames
from proxywrap.net.lent import LentSocket
from proxywrap.net.relay import Relay
from proxywrap.net.unix import connect_unix
from proxywrap.protocol.isolation import UNASKED, Isolation
from proxywrap.uri import ProxyURI

if TYPE_CHECKING:
    from proxywrap.net.tls import TlsIO, TlsLayer

__all__ = ["Way", "make_way", "reach_last"]


@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """A connection to the destination; owns its socket.

    `layers` of TLS lie over it, `begun` is what has come already.
    """

    lent: LentSocket
    layers: Sequence[TlsLayer] = ()
    begun: bytes = b""

    def close(self) -> None:
        """Give it up."""
        self.lent.close()

    def relay(self, partner: socket.socket, on_end: Callable[[], None]) -> Carrier:
        """Carry bytes between it and `partner`, which is the relay's from here on, as the way is."""
        if self.layers:
            return CopyingRelay(partner, self.lent.take(), self.layers, self.begun, on_end)
        return Relay(partner, self.lent.take(), on_end)


async def make_way(
    hops: Sequence[ProxyURI],
    destination: Endpoint | None,
    deadlines: Deadlines,
    names: HopNames,
    isolation: Isolation = UNASKED,
) -> Way:
    """Return a way to `destination` through all of `hops`, in their order.

    Raises:
        AttemptFailed: the hop that failed, and why.

    """
    lent, io = await reach_last(hops, deadlines, names, isolation)
    try:
        await ask_hop(io, hops, len(hops) - 1, destination, isolation)
    except BaseException:
        lent.close()
        raise
    return Way(lent) if isinstance(io, LentSocket) else Way(lent, io.layers, io.pending)


async def reach_last(
    hops: Sequence[ProxyURI], deadlines: Deadlines, names: HopNames, isolation: Isolation
) -> tuple[LentSocket, LentSocket | TlsIO]:
    """Return a socket of the caller's that leads to the last of `hops`, and what it is spoken to over.

    Raises:
        AttemptFailed: the hop that failed, and why.

    """
    limit_s = deadlines.connect_s
    sock = await blaming(hops[0], joining(_join(hops[0], names, limit_s), hops[0], names, limit_s))
    lent = LentSocket(sock.detach(), read_timeout_s=deadlines.read_s)
    io: LentSocket | TlsIO = lent
    try:
        for at, hop in enumerate(hops):
            if at:
                await ask_hop(io, hops, at - 1, None, isolation)
            if hop.has_tls:
                from proxywrap.net.tls import begin_tls  # noqa: PLC0415 - ssl comes with it

                io = await blaming(hop, begin_tls(io, hop))
    except BaseException:
        lent.close()
        raise
    return lent, io


async def _join(hop: ProxyURI, names: HopNames, limit_s: float) -> socket.socket:
    """Return a non-blocking socket that leads to the first hop."""
    if hop.path is not None:
        return await connect_unix(hop.path, limit_s)
    addresses = await names.ranked(await names.addresses(hop.host), hop.port)
    for address in addresses[:-1]:
        with suppress(OSError):  # the last one's error counts
            return await _connect(address, hop.port)
    return await _connect(addresses[-1], hop.port)


async def _connect(address: IPv4Address | IPv6Address, port: int) -> socket.socket:
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(sock, (str(address), port))
    except BaseException:
        sock.close()
        raise
    return sock
