"""Connects a lent socket through a chain of hops, or directly.

Takes a socket and what to do with it; knows nothing of configuration.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass

from proxywrap.address import Endpoint
from proxywrap.errors import (
    ProtocolError,
    ProxyRefused,
    ProxyUnreachable,
    ProxywrapError,
    TimedOut,
    TruncatedError,
)
from proxywrap.net.dnsserver import DnsServer
from proxywrap.net.driver import run
from proxywrap.net.hopnames import HopNames
from proxywrap.net.lent import LentSocket
from proxywrap.net.starting import SockAddr
from proxywrap.protocol.handshake import client_handshake
from proxywrap.uri import ProxyURI, Scheme

__all__ = ["AttemptFailed", "Deadlines", "connect_chain", "connect_direct", "connect_dns"]


_UNREACHABLE = {errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.ENETUNREACH}
"""What the kernel says of a hop that is gone, rather than of one that hung up."""

_ADVICE = {
    errno.ECONNREFUSED: "is it running, and is that its port?",
    errno.ETIMEDOUT: "is its address right, and no firewall in between?",
    errno.EHOSTUNREACH: "is its address right, and the network up?",
    errno.ENETUNREACH: "is its address right, and the network up?",
}
"""What to look at first when the kernel could not connect to a hop."""

_KINDS = {
    Scheme.SOCKS4: "a SOCKS4",
    Scheme.SOCKS4A: "a SOCKS4a",
    Scheme.SOCKS5: "a SOCKS5",
    Scheme.SOCKS5H: "a SOCKS5",
    Scheme.HTTP: "an HTTP",
    Scheme.RAW: "a raw",
}


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long the first hop may take to be connected, and each read from a hop."""

    connect_s: float
    read_s: float


class AttemptFailed(ProxywrapError):
    """A lent socket could not be connected.

    Args:
        hop: the proxy that failed or refused; None for a direct connection.
        reason: what happened, without the hop's name.
        errno: what the application must see.
        is_chain_fault: the user must hear of it.

    """

    def __init__(self, hop: ProxyURI | None, reason: str, *, errno: int, is_chain_fault: bool) -> None:
        super().__init__(reason)
        self.hop = hop
        self.reason = reason
        self.errno = errno
        self.is_chain_fault = is_chain_fault


async def connect_direct(lent: LentSocket, destination: Endpoint, scope_id: int = 0) -> None:
    """Connect to a literal address, with no time limit but the kernel's.

    Raises:
        AttemptFailed: as the kernel said.

    """
    address = destination.host
    assert not isinstance(address, str)  # noqa: S101 - names are never dialled
    sockaddr = lent.sockaddr(address, destination.port, scope_id)
    if sockaddr is None:
        reason = "the socket's family cannot reach it"
        raise AttemptFailed(None, reason, errno=errno.ENETUNREACH, is_chain_fault=False)
    try:
        await lent.connect(sockaddr)
    except OSError as exc:
        error = exc.errno or errno.ECONNREFUSED
        raise AttemptFailed(None, os.strerror(error), errno=error, is_chain_fault=False) from exc


async def connect_dns(lent: LentSocket, server: DnsServer, version: int) -> None:
    """Connect to our own name server, in the place of one of this host's, by IP `version`.

    Raises:
        AttemptFailed: as the kernel said.

    """
    try:
        endpoint = await server.tcp_endpoint(version)
    except OSError as exc:
        error = exc.errno or errno.ECONNREFUSED
        raise AttemptFailed(None, os.strerror(error), errno=error, is_chain_fault=False) from exc
    await connect_direct(lent, endpoint)


async def connect_chain(
    lent: LentSocket,
    hops: Sequence[ProxyURI],
    destination: Endpoint,
    deadlines: Deadlines,
    names: HopNames,
) -> None:
    """Connect to `destination` through all of `hops`, in their order.

    Args:
        lent: not connected; a failed attempt leaves it in any state.
        hops: one at least.
        destination: for the last hop, an address or a name.
        deadlines: for the first hop, and for each read.
        names: looks the first hop's up.

    Raises:
        AttemptFailed: the hop that failed, and why.

    """
    lent.read_timeout_s = deadlines.read_s
    lent.clear_options()
    try:
        await _attempt(hops[0], _join_first(lent, hops[0], deadlines.connect_s, names))
        for at, hop in enumerate(hops):
            next_hop = hops[at + 1] if at + 1 < len(hops) else None
            target = destination if next_hop is None else next_hop.endpoint
            await _attempt(hop, run(client_handshake(hop, target), lent), next_hop)
    finally:
        lent.restore_options()


async def _attempt(hop: ProxyURI, step: Awaitable[object], next_hop: ProxyURI | None = None) -> None:
    """Await one step and put what it raises down to `hop`.

    If `next_hop` is what the step asks for, that one is to blame where `hop`
    did not get there, and the chain, not the destination. A password or a rule
    is `hop`'s own affair.
    """
    try:
        await step
    except ProxyRefused as exc:
        if next_hop is not None and exc.errno != errno.EACCES:
            reason = f"cannot be reached, says {hop}: {exc.reason}: is that its address as seen from there?"
            raise AttemptFailed(next_hop, reason, errno=exc.errno, is_chain_fault=True) from exc
        is_fault = not exc.is_destination_fault
        raise AttemptFailed(hop, exc.reason, errno=exc.errno, is_chain_fault=is_fault) from exc
    except (TruncatedError, ConnectionResetError, BrokenPipeError) as exc:
        # One fault, and one line: which it is depends on what was still under way.
        reason = f"closed the connection in the middle of the handshake: {_is_it_one(hop)}"
        raise AttemptFailed(hop, reason, errno=errno.ECONNREFUSED, is_chain_fault=True) from exc
    except ProtocolError as exc:
        raise AttemptFailed(hop, str(exc), errno=exc.errno, is_chain_fault=True) from exc
    except TimedOut as exc:
        reason = f"{exc.reason}: {_is_it_one(hop)} A slow one needs a longer tcp_read_time_out, in a file"
        raise AttemptFailed(hop, reason, errno=exc.errno, is_chain_fault=True) from exc
    except ProxyUnreachable as exc:
        raise AttemptFailed(hop, exc.reason, errno=exc.errno, is_chain_fault=True) from exc
    except OSError as exc:
        reason = f"broke off the handshake: {exc.strerror}: {_ADVICE.get(exc.errno or 0, _is_it_one(hop))}"
        error = exc.errno if exc.errno in _UNREACHABLE else errno.ECONNREFUSED
        raise AttemptFailed(hop, reason, errno=error, is_chain_fault=True) from exc


def _is_it_one(hop: ProxyURI) -> str:
    return f"is it {_KINDS[hop.scheme]} proxy, and may you use it?"


async def _join_first(lent: LentSocket, hop: ProxyURI, limit_s: float, names: HopNames) -> None:
    problem, advice = "its name cannot be resolved", "is this host's name server there?"
    try:
        async with asyncio.timeout(limit_s):
            sockaddrs = await _sockaddrs(lent, hop, names)
            problem, advice = "cannot be connected to", _ADVICE[errno.ETIMEDOUT]
            await _connect_any(lent, sockaddrs)
    except OSError as exc:
        if exc.errno is None:  # the deadline's
            reason = f"{problem} within {limit_s:g} s: {advice}"
            raise ProxyUnreachable(reason, errno=errno.ETIMEDOUT) from None
        advice = _ADVICE.get(exc.errno, "is its address right?")
        reason = f"cannot be connected to: {exc.strerror}: {advice}"
        raise ProxyUnreachable(reason, errno=exc.errno) from exc


async def _connect_any(lent: LentSocket, sockaddrs: Sequence[SockAddr]) -> None:
    """Connect to the first address that answers; the last one's error counts."""
    for sockaddr in sockaddrs[:-1]:
        try:
            await lent.connect(sockaddr)
        except OSError:
            lent.disconnect()
            lent.clear_options()
        else:
            return
    await lent.connect(sockaddrs[-1])


async def _sockaddrs(lent: LentSocket, hop: ProxyURI, names: HopNames) -> Sequence[SockAddr]:
    """Return where the socket can reach the first hop."""
    addresses = await names.addresses(hop.host) if isinstance(hop.host, str) else [hop.host]
    if lent.family == socket.AF_INET6:
        # Once connected to a mapped address, a socket cannot go back to native IPv6.
        addresses = sorted(addresses, key=lambda address: -address.version)
    found = [lent.sockaddr(address, hop.port) for address in addresses]
    reachable = [sockaddr for sockaddr in found if sockaddr is not None]
    if not reachable:
        kind = "IPv4" if lent.family == socket.AF_INET else "IPv6-only"
        reason = f"has no address that an {kind} socket can reach: give it one of that family"
        raise ProxyUnreachable(reason, errno=errno.ENETUNREACH)
    return reachable
