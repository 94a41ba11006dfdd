"""How a way is made: as a lent socket is connected, by the same steps."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

from proxywrap.address import Endpoint
from proxywrap.net.attentive import Attentive, Stale, had_gone
from proxywrap.net.blame import AttemptFailed, blaming
from proxywrap.net.connector import Deadlines, ask_hop, joining, target_of
from proxywrap.net.driver import run
from proxywrap.net.hopnames import HopNames
from proxywrap.net.own import OwnSocket
from proxywrap.net.tcpstate import unacknowledged_bytes
from proxywrap.net.tunnels import Tunnels
from proxywrap.net.unix import connect_unix
from proxywrap.net.way import Way
from proxywrap.protocol.handshake import client_opening
from proxywrap.protocol.isolation import UNASKED, Isolation
from proxywrap.scheme import Scheme
from proxywrap.uri import ProxyURI

if TYPE_CHECKING:
    from proxywrap.net.tunnel import Below, Tunnel

__all__ = ["WayMaker"]


class WayMaker:
    """Makes ways.

    Args:
        deadlines: for the hops.
        names: of the first ones.
        tunnels: for those that are SSH servers.

    """

    def __init__(self, deadlines: Deadlines, names: HopNames, tunnels: Tunnels) -> None:
        self.deadlines = deadlines
        self.names = names
        self.tunnels = tunnels

    async def make(
        self, hops: Sequence[ProxyURI], destination: Endpoint | None, isolation: Isolation = UNASKED
    ) -> Way:
        """Return a way to `destination` through all of `hops`, in their order.

        Raises:
            AttemptFailed: the hop that failed, and why.

        """
        return await self._lead(_Beginning(self, hops, isolation), len(hops), destination)

    async def reach_last(self, hops: Sequence[ProxyURI], isolation: Isolation) -> Way:
        """Return a way to the last of `hops`, which has been told nothing yet.

        Raises:
            AttemptFailed: the hop that failed, and why.

        """
        beginning = _Beginning(self, hops, isolation)
        return await self._lead(beginning, len(hops) - 1, None)

    async def extend(
        self,
        way: Way,
        hops: Sequence[ProxyURI],
        destination: Endpoint,
        isolation: Isolation = UNASKED,
    ) -> Way:
        """Return a way likewise, made of one to the first hop, which has been told already who we are.

        Raises:
            Stale: the hop had hung up, and has not said a word of an answer.
            AttemptFailed: the hop that failed, and why.

        """
        way.lent.read_timeout_s = self.deadlines.read_s
        way.lent.limit_handshakes(len(hops))
        return await self._lead(_Beginning(self, hops, isolation, way), len(hops), destination)

    async def _lead(self, beginning: _Beginning, count: int, destination: Endpoint | None) -> Way:
        """Have so many of the hops lead on; where some are left, come to the next one."""
        on_login = _nothing
        try:
            on_login = await self.tunnels.turn(beginning.hops)
            for at in range(count):
                await beginning.go_on(at, destination, on_login)
            if count < len(beginning.hops):
                await beginning.arrive(count)
        except BaseException:
            beginning.close()
            raise
        finally:
            on_login()
        return beginning.way()

    async def reach(self, hop: ProxyURI, count: int = 1) -> Way:
        """Return a way to a hop, which has been told nothing yet; `count` hops will be spoken to by it.

        Raises:
            AttemptFailed: it cannot be reached, and why.

        """
        limit_s = self.deadlines.connect_s
        joined = joining(_join(hop, self.names, limit_s), hop, self.names, limit_s)
        sock = await blaming(hop, joined)
        way = Way(OwnSocket(sock, read_timeout_s=self.deadlines.read_s))
        way.lent.limit_handshakes(count)
        try:
            return await _speak_tls(way, hop) if hop.has_tls else way
        except BaseException:
            way.close()
            raise

    async def open(self, hop: ProxyURI) -> Way:
        """Return a way to a hop, which has been told all that comes before a request.

        Raises:
            AttemptFailed: it cannot be reached or does not let us in, and why.

        """
        way = await self.reach(hop)
        try:
            await blaming(hop, run(client_opening(hop), way.io))
        except BaseException:
            way.close()
            raise
        return way


class _Beginning:
    """A way that has come to the first of `hops`; to one at the least where a way is given."""

    def __init__(
        self, maker: WayMaker, hops: Sequence[ProxyURI], isolation: Isolation, way: Way | None = None
    ) -> None:
        self.hops = hops
        self._maker = maker
        self._isolation = isolation
        self._way = way
        self._is_opened = way is not None
        self._tunnels: list[Tunnel] = []

    def way(self) -> Way:
        """Return it, at its end."""
        assert self._way is not None  # noqa: S101 - there is one hop at least
        self._way.tunnels = self._tunnels
        return self._way

    def close(self) -> None:
        """Give it up."""
        if self._way is not None:
            self._way.close()
        for tunnel in self._tunnels:
            tunnel.kill()

    async def go_on(self, at: int, destination: Endpoint | None, on_login: Callable[[], None]) -> None:
        """Have one more of the hops lead to what comes after it.

        Raises:
            Stale: the first one does not, for it had hung up.
            AttemptFailed: the hop that failed, and why.

        """
        hop = self.hops[at]
        target = await self._target(at, destination)
        if hop.scheme is Scheme.SSH:
            await self._tunnel(at, target, on_login)
            return
        way = await self.arrive(at)
        if self._is_opened and not at:
            await self._ask_opened(way, target)
        else:
            await ask_hop(way.io, self.hops, at, target, self._isolation)

    async def arrive(self, at: int) -> Way:
        """Return the way to that hop, to which it leads already but for TLS, or which is the first.

        Raises:
            AttemptFailed: it cannot be reached.

        """
        hop = self.hops[at]
        if self._way is None:
            self._way = await self._maker.reach(hop, len(self.hops))
        elif hop.has_tls and at:
            self._way = await _speak_tls(self._way, hop)
        return self._way

    async def _ask_opened(self, way: Way, target: Endpoint | None) -> None:
        attentive = Attentive(way.io)
        try:
            await ask_hop(attentive, self.hops, 0, target, is_opened=True)
        except AttemptFailed as exc:
            left = unacknowledged_bytes(way.lent.fileno())
            if not attentive.has_heard and had_gone(exc.__cause__, left):
                raise Stale from exc
            raise

    async def _target(self, at: int, destination: Endpoint | None) -> Endpoint | None:
        """As `target_of`; where a server is that ssh connects to, ssh knows."""
        if at + 1 < len(self.hops) and self.hops[at + 1].scheme is Scheme.SSH:
            next_hop = self.hops[at + 1]
            return await blaming(next_hop, self._maker.tunnels.place(next_hop))
        return target_of(self.hops, at, destination)

    async def _tunnel(self, at: int, target: Endpoint | None, on_login: Callable[[], None]) -> None:
        hop, rest = self.hops[at], self.hops[at + 1 :]
        is_last_login = all(each.scheme is not Scheme.SSH for each in rest)
        opening = self._maker.tunnels.open(
            hop, target, self._maker.deadlines, self._below(), on_login if is_last_login else _nothing
        )
        of_name = not rest and target is not None and isinstance(target.host, str)
        tunnel = await blaming(hop, opening, rest[0] if rest else None, of_name=of_name)
        self._tunnels.append(tunnel)
        self._way = Way(OwnSocket(tunnel.sock, read_timeout_s=self._maker.deadlines.read_s))
        self._way.lent.limit_handshakes(len(rest))

    def _below(self) -> Below | None:
        """Return what there is of the way, for ssh to go on from there."""
        if self._way is None:
            return None
        from proxywrap.net.tunnel import Below  # noqa: PLC0415 - most chains have no ssh

        way, self._way = self._way, None
        if way.tls is None:
            return Below(way.lent.take())
        from proxywrap.net.copying import CopyingRelay  # noqa: PLC0415 - only TLS needs it

        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        below = Below(theirs)
        below.carrier = CopyingRelay(ours, way.lent.take(), way.tls.layers, way.tls.pending, below.note_end)
        return below


async def _speak_tls(way: Way, hop: ProxyURI) -> Way:
    from proxywrap.net.tls import begin_tls  # noqa: PLC0415 - ssl comes with it

    return Way(way.lent, await blaming(hop, begin_tls(way.io, hop)))


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
