"""Ways: connections of our own that lead through a chain, for sockets that cannot go there themselves.

A way is made as a lent socket is connected, by the same steps; then it is
relayed to.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

from proxywrap.address import Endpoint
from proxywrap.errors import ProxyUnreachable, TimedOut, TruncatedError
from proxywrap.net.blame import AttemptFailed, blaming
from proxywrap.net.carrier import Carrier
from proxywrap.net.connector import Deadlines, ask_hop, joining
from proxywrap.net.copying import CopyingRelay
from proxywrap.net.driver import ByteIO
from proxywrap.net.hopnames import HopNames
from proxywrap.net.lent import LentSocket
from proxywrap.net.relay import Relay
from proxywrap.net.unix import connect_unix
from proxywrap.uri import ProxyURI

if TYPE_CHECKING:
    from proxywrap.net.tls import TlsIO

__all__ = ["Stale", "Way", "extend_way", "make_way", "reach"]


@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """A connection to the destination, or to a hop before it; owns its socket.

    Where TLS is spoken by it, `tls` is the last of its layers.
    """

    lent: LentSocket
    tls: TlsIO | None = None

    @property
    def io(self) -> LentSocket | TlsIO:
        """What flows are carried out on."""
        return self.tls or self.lent

    def close(self) -> None:
        """Give it up."""
        self.lent.close()

    def relay(self, partner: socket.socket, on_end: Callable[[], None]) -> Carrier:
        """Carry bytes between it and `partner`, which is the relay's from here on, as the way is."""
        if self.tls is not None:
            return CopyingRelay(partner, self.lent.take(), self.tls.layers, self.tls.pending, on_end)
        return Relay(partner, self.lent.take(), on_end)


class Stale(Exception):
    """A way that stood ready leads nowhere any more, and nothing has come of what was said by it."""


async def make_way(
    hops: Sequence[ProxyURI], destination: Endpoint | None, deadlines: Deadlines, names: HopNames
) -> Way:
    """Return a way to `destination` through all of `hops`, in their order.

    Raises:
        AttemptFailed: the hop that failed, and why.

    """
    way = await reach(hops[0], deadlines, names)
    with _given_up(way):
        await ask_hop(way.io, hops, 0, destination)
        return await _lead_on(way, hops, destination)


async def extend_way(way: Way, hops: Sequence[ProxyURI], destination: Endpoint) -> Way:
    """Return a way likewise, made of one to the first hop, which has been told already who we are.

    Raises:
        Stale: the hop had hung up, and has not said a word of an answer.
        AttemptFailed: the hop that failed, and why.

    """
    io = _Attentive(way.io)
    with _given_up(way):
        try:
            await ask_hop(io, hops, 0, destination, is_opened=True)
        except AttemptFailed as exc:
            if _has_hung_up(exc.__cause__) and not io.has_heard:
                raise Stale from exc
            raise
        return await _lead_on(way, hops, destination)


async def reach(hop: ProxyURI, deadlines: Deadlines, names: HopNames) -> Way:
    """Return a way to a hop, which has been told nothing yet.

    Raises:
        AttemptFailed: it cannot be reached, and why.

    """
    limit_s = deadlines.connect_s
    sock = await blaming(hop, joining(_join(hop, names, limit_s), hop, names, limit_s))
    way = Way(LentSocket(sock.detach(), read_timeout_s=deadlines.read_s))
    with _given_up(way):
        return await _speak_tls(way, hop) if hop.has_tls else way


async def _lead_on(way: Way, hops: Sequence[ProxyURI], destination: Endpoint | None) -> Way:
    """Return a way on from the first of `hops`."""
    for at, hop in enumerate(hops[1:], 1):
        if hop.has_tls:
            way = await _speak_tls(way, hop)
        await ask_hop(way.io, hops, at, destination)
    return way


async def _speak_tls(way: Way, hop: ProxyURI) -> Way:
    from proxywrap.net.tls import begin_tls  # noqa: PLC0415 - ssl comes with it

    return Way(way.lent, await blaming(hop, begin_tls(way.io, hop)))


@contextmanager
def _given_up(way: Way) -> Iterator[None]:
    """Close it where something fails."""
    try:
        yield
    except BaseException:
        way.close()
        raise


def _has_hung_up(cause: BaseException | None) -> bool:
    """Tell whether that is how a hop ends a connection; one that is silent has not."""
    if isinstance(cause, ProxyUnreachable):
        return not isinstance(cause, TimedOut)  # by an alert of TLS
    return isinstance(cause, TruncatedError | ConnectionResetError | BrokenPipeError)


class _Attentive:
    """A `ByteIO` that knows whether a byte has come."""

    def __init__(self, io: ByteIO) -> None:
        self.has_heard = False
        self._io = io

    async def send_all(self, data: bytes) -> None:
        """Send all of `data`."""
        await self._io.send_all(data)

    async def read_exactly(self, size: int) -> bytes:
        """Read `size` bytes, the first one by itself."""
        if self.has_heard:
            return await self._io.read_exactly(size)
        first = await self._io.read_exactly(1)
        self.has_heard = True
        return first + await self._io.read_exactly(size - 1) if size > 1 else first

    async def read_until(self, delimiter: bytes, limit: int) -> bytes:
        """Read on to `delimiter`, which no answer begins with."""
        return await self._io.read_until(delimiter, limit)


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
