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
from proxywrap.net.connector import Deadlines, ask_hop, joining, target_of
from proxywrap.net.copying import CopyingRelay
from proxywrap.net.hopnames import HopNames
from proxywrap.net.lent import LentSocket
from proxywrap.net.relay import Relay
from proxywrap.net.tunnels import Tunnels
from proxywrap.net.unix import connect_unix
from proxywrap.scheme import Scheme
from proxywrap.uri import ProxyURI

if TYPE_CHECKING:
    from proxywrap.net.tls import TlsIO, TlsLayer
    from proxywrap.net.tunnel import Below, Tunnel

__all__ = ["Way", "make_way"]


@dataclass(eq=False, repr=False)
class Way:
    """A connection to the destination; owns its socket.

    `layers` of TLS lie over it, `begun` is what has come already; `tunnels`
    are those that it leads through.
    """

    lent: LentSocket
    layers: Sequence[TlsLayer] = ()
    begun: bytes = b""
    tunnels: Sequence[Tunnel] = ()

    def close(self) -> None:
        """Give it up."""
        self.lent.close()
        for tunnel in self.tunnels:
            tunnel.kill()

    def relay(self, partner: socket.socket, on_end: Callable[[], None]) -> Carrier:
        """Carry bytes between it and `partner`, which is the relay's from here on, as the way is."""

        def end() -> None:
            for tunnel in self.tunnels:
                tunnel.release()
            on_end()

        carrier: Carrier
        if self.layers:
            carrier = CopyingRelay(partner, self.lent.take(), self.layers, self.begun, end)
        else:
            carrier = Relay(partner, self.lent.take(), end)
        for tunnel in self.tunnels[-1:]:
            tunnel.tell_break(carrier.abort)
        return carrier


async def make_way(
    hops: Sequence[ProxyURI],
    destination: Endpoint | None,
    deadlines: Deadlines,
    names: HopNames,
    tunnels: Tunnels,
) -> Way:
    """Return a way to `destination` through all of `hops`, in their order.

    Raises:
        AttemptFailed: the hop that failed, and why.

    """
    on_login = await tunnels.turn(hops)
    builder = _Builder(hops, deadlines, names, tunnels)
    try:
        for at in range(len(hops)):
            await builder.go_on(at, destination, on_login)
    except BaseException:
        builder.close()
        raise
    finally:
        on_login()
    return builder.way()


class _Builder:
    """A way that has come to the first hops."""

    def __init__(
        self, hops: Sequence[ProxyURI], deadlines: Deadlines, names: HopNames, tunnels: Tunnels
    ) -> None:
        self._hops = hops
        self._deadlines = deadlines
        self._names = names
        self._tunnels = tunnels
        self._lent: LentSocket | None = None
        self._io: LentSocket | TlsIO | None = None
        self._opened: list[Tunnel] = []

    def way(self) -> Way:
        """Return it, at its end."""
        lent, io = self._lent, self._io
        assert lent is not None  # noqa: S101 - there is one hop at least
        if isinstance(io, LentSocket) or io is None:
            return Way(lent, tunnels=self._opened)
        return Way(lent, io.layers, io.pending, self._opened)

    def close(self) -> None:
        """Give it up."""
        if self._lent is not None:
            self._lent.close()
        for tunnel in self._opened:
            tunnel.kill()

    async def go_on(self, at: int, destination: Endpoint | None, on_login: Callable[[], None]) -> None:
        """Have one more of the hops lead to what comes after it.

        Raises:
            AttemptFailed: the hop that failed, and why.

        """
        hop = self._hops[at]
        if hop.scheme is Scheme.SSH:
            await self._tunnel(at, await self._target(at, destination), on_login)
            return
        if self._io is None:
            limit_s = self._deadlines.connect_s
            joined = joining(_join(hop, self._names, limit_s), hop, self._names, limit_s)
            self._take(await blaming(hop, joined))
        assert self._io is not None  # noqa: S101 - just made
        if hop.has_tls:
            from proxywrap.net.tls import begin_tls  # noqa: PLC0415 - ssl comes with it

            self._io = await blaming(hop, begin_tls(self._io, hop))
        await ask_hop(self._io, self._hops, at, await self._target(at, destination))

    def _take(self, sock: socket.socket) -> None:
        self._io = self._lent = LentSocket(sock.detach(), read_timeout_s=self._deadlines.read_s)

    async def _target(self, at: int, destination: Endpoint | None) -> Endpoint | None:
        """As `target_of`; where a server is that ssh connects to, ssh knows."""
        if at + 1 < len(self._hops) and self._hops[at + 1].scheme is Scheme.SSH:
            next_hop = self._hops[at + 1]
            return await blaming(next_hop, self._tunnels.place(next_hop))
        return target_of(self._hops, at, destination)

    async def _tunnel(self, at: int, target: Endpoint | None, on_login: Callable[[], None]) -> None:
        hop, rest = self._hops[at], self._hops[at + 1 :]
        is_last_login = all(each.scheme is not Scheme.SSH for each in rest)
        opening = self._tunnels.open(
            hop, target, self._deadlines, self._below(), on_login if is_last_login else _nothing
        )
        tunnel = await blaming(hop, opening, rest[0] if rest else None)
        self._opened.append(tunnel)
        self._take(tunnel.sock)

    def _below(self) -> Below | None:
        """Return what there is of the way, for ssh to go on from there."""
        io, lent = self._io, self._lent
        if io is None or lent is None:
            return None
        from proxywrap.net.tunnel import Below  # noqa: PLC0415 - most chains have no ssh

        self._io = self._lent = None
        if isinstance(io, LentSocket):
            return Below(io.take())
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        below = Below(theirs)
        below.carrier = CopyingRelay(ours, lent.take(), io.layers, io.pending, below.note_end)
        return below


def _nothing() -> None:
    """Have others wait on."""


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
