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

from proxywrap.address import Endpoint
from proxywrap.net.blame import blaming
from proxywrap.net.connector import Deadlines, ask_hops, joining
from proxywrap.net.hopnames import HopNames
from proxywrap.net.lent import LentSocket
from proxywrap.net.relay import Carrier, Relay
from proxywrap.net.unix import connect_unix
from proxywrap.uri import ProxyURI

__all__ = ["Way", "make_way"]


@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """A connection to the destination; owns its socket."""

    lent: LentSocket

    def close(self) -> None:
        """Give it up."""
        self.lent.close()

    def relay(self, partner: socket.socket, on_end: Callable[[], None]) -> Carrier:
        """Carry bytes between it and `partner`, which is the relay's from here on, as the way is."""
        return Relay(partner, self.lent.take(), on_end)


async def make_way(
    hops: Sequence[ProxyURI], destination: Endpoint, deadlines: Deadlines, names: HopNames
) -> Way:
    """Return a way to `destination` through all of `hops`, in their order.

    Raises:
        AttemptFailed: the hop that failed, and why.

    """
    hop = hops[0]
    limit_s = deadlines.connect_s
    sock = await blaming(hop, joining(_join(hop, names, limit_s), hop, names, limit_s))
    lent = LentSocket(sock.detach(), read_timeout_s=deadlines.read_s)
    try:
        await ask_hops(lent, hops, destination)
    except BaseException:
        lent.close()
        raise
    return Way(lent)


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
