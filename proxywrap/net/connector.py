"""Connects a lent socket through a chain of hops, or directly.

Takes a socket and what to do with it; knows nothing of configuration.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Awaitable, Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple, TypeVar

from proxywrap.address import Endpoint
from proxywrap.errors import ProxyUnreachable
from proxywrap.net.blame import ADVICE, AttemptFailed, blaming
from proxywrap.net.dnsserver import DnsServer
from proxywrap.net.driver import ByteIO, run
from proxywrap.net.hopnames import HopNames
from proxywrap.net.lent import LentSocket
from proxywrap.net.places import SockAddr
from proxywrap.protocol.effects import Flow
from proxywrap.protocol.greeting import client_greeting
from proxywrap.protocol.handshake import client_handshake, client_request
from proxywrap.protocol.isolation import UNASKED, Isolation
from proxywrap.uri import ProxyURI

__all__ = [
    "AttemptFailed",
    "Deadlines",
    "OutOfReach",
    "ask_hop",
    "connect_chain",
    "connect_direct",
    "connect_dns",
    "joining",
    "target_of",
]

T = TypeVar("T")


class OutOfReach(Exception):
    """The first hop has no address that a socket of that family can reach."""


class Deadlines(NamedTuple):
    """How long the first hop may take to be connected, and each read from a hop."""

    connect_s: float
    read_s: float


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
    destination: Endpoint | None,
    deadlines: Deadlines,
    names: HopNames,
    isolation: Isolation = UNASKED,
) -> None:
    """Connect to `destination` through all of `hops`, in their order.

    Args:
        lent: not connected; a failed attempt leaves it in any state.
        hops: one at least.
        destination: for the last hop, an address or a name; None to find out only whether the
            last hop is there and would be of use.
        deadlines: for the first hop, and for each read.
        names: looks the first hop's up.
        isolation: on whose behalf.

    Raises:
        AttemptFailed: the hop that failed, and why.
        OutOfReach: nothing was done; another socket may go there.

    """
    lent.read_timeout_s = deadlines.read_s
    lent.clear_options()
    try:
        joined = joining(_join_first(lent, hops[0], names), hops[0], names, deadlines.connect_s)
        await blaming(hops[0], joined)
        lent.limit_handshakes(len(hops))
        for at in range(len(hops)):
            await ask_hop(lent, hops, at, target_of(hops, at, destination), isolation)
    finally:
        lent.restore_options()


def target_of(hops: Sequence[ProxyURI], at: int, destination: Endpoint | None) -> Endpoint | None:
    """Return what one of `hops` is to lead to: the next one, or `destination` for the last.

    Raises:
        AttemptFailed: the next one cannot be reached from another host.

    """
    next_hop = hops[at + 1] if at + 1 < len(hops) else None
    if next_hop is not None and next_hop.path is not None:
        reason = "is on a Unix socket of this host, so it can only be the first of a chain"
        raise AttemptFailed(next_hop, reason, errno=errno.ENETUNREACH, is_chain_fault=True, is_unreached=True)
    return destination if next_hop is None else next_hop.endpoint


async def ask_hop(
    io: ByteIO,
    hops: Sequence[ProxyURI],
    at: int,
    target: Endpoint | None,
    isolation: Isolation = UNASKED,
    *,
    is_opened: bool = False,
) -> None:
    """Have one of `hops`, to which the bytes lead already, lead to `target`.

    Where there is none, the last hop is only found out about. `is_opened` where it has been told
    already what it can be told before that.

    Raises:
        AttemptFailed: the hop that failed, and why.

    """
    next_hop = hops[at + 1] if at + 1 < len(hops) else None
    flow: Flow[object]
    if target is None:
        flow = client_greeting(hops[at], isolation)
    elif is_opened:
        flow = client_request(hops[at], target)
    else:
        flow = client_handshake(hops[at], target, isolation)
    of_name = next_hop is None and target is not None and isinstance(target.host, str)
    await blaming(hops[at], run(flow, io), next_hop, of_name=of_name)


async def joining(step: Awaitable[T], hop: ProxyURI, names: HopNames, limit_s: float) -> T:
    """Return what the step gives that connects to a first hop, and say why where it fails.

    Raises:
        ProxyUnreachable: it took too long, or as the kernel said.

    """
    try:
        async with asyncio.timeout(limit_s):
            return await step
    except OSError as exc:
        if exc.errno is None:  # the deadline's
            problem, advice = "cannot be connected to", ADVICE[errno.ETIMEDOUT]
            if names.is_asking(hop.host):
                problem, advice = "its name cannot be resolved", "is this host's name server there?"
            reason = f"{problem} within {limit_s:g} s: {advice}"
            raise ProxyUnreachable(reason, errno=errno.ETIMEDOUT) from None
        advice = ADVICE.get(exc.errno, "is its address right?")
        reason = f"cannot be connected to: {os.strerror(exc.errno)}: {advice}"
        raise ProxyUnreachable(reason, errno=exc.errno) from exc


async def _join_first(lent: LentSocket, hop: ProxyURI, names: HopNames) -> None:
    """Connect to the first address that answers; the last one's error counts."""
    sockaddrs = await _sockaddrs(lent, hop, names)
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
    """Return where the socket can reach the first hop, the best place first."""

    def sockaddr(address: IPv4Address | IPv6Address) -> SockAddr | None:
        return lent.sockaddr(address, hop.port)

    # Once connected to a mapped address, a socket cannot go back to native IPv6.
    best_first = sorted(
        await names.addresses(hop.host),
        key=lambda address: (sockaddr(address) is None, lent.family == socket.AF_INET6 and -address.version),
    )
    if sockaddr(best_first[0]) is None:
        raise OutOfReach
    ranked = await names.ranked(best_first, hop.port)
    if sockaddr(ranked[0]) is None:
        raise OutOfReach
    return [found for address in ranked if (found := sockaddr(address)) is not None]
