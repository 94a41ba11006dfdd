"""Connections of our own to where a program wants to go, by the way that the program would take."""

from __future__ import annotations

import socket
from contextlib import suppress

from proxywrap.address import unmapped
from proxywrap.helper.guide import Guide
from proxywrap.helper.router import Route
from proxywrap.net.native import os_error
from proxywrap.net.own import OwnSocket
from proxywrap.net.way import Way
from proxywrap.protocol.sockaddr import Place

__all__ = ["make_way"]


async def make_way(guide: Guide, process: int, place: Place, route: Route) -> Way:
    """Connect a socket of ours on behalf of a process; what became of it is reported.

    Args:
        guide: knows the ways.
        process: of the program.
        place: as the program spelled it.
        route: to that place.

    Raises:
        OSError: as connect(2) by the program would.

    """
    lent = OwnSocket(_open_for(route))
    ways = [Way(lent)]

    async def take(way: Way) -> None:
        ways.append(way)

    try:
        reply = await guide.lead(process, place, lent, take)
        if reply.error:
            raise os_error(reply.error)
        return ways.pop()
    finally:
        for way in ways:
            way.close()


def _open_for(route: Route) -> socket.socket:
    """Return a socket of ours for a route: of both families, unless all that it leads to is IPv4."""
    hosts = [hop.host for hop in route.hops] or [route.destination.host]
    if any(isinstance(host, str) or unmapped(host).version == 6 for host in hosts):
        with suppress(OSError):  # a host without IPv6
            sock = socket.socket(socket.AF_INET6, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            return sock
    return socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
