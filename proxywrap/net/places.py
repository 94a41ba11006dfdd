"""Addresses as sockets take them."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address

__all__ = ["SockAddr", "has_peer", "sockaddr_for"]

SockAddr = tuple[str, int] | tuple[str, int, int, int]


def sockaddr_for(
    sock: socket.socket, address: IPv4Address | IPv6Address, port: int, scope_id: int = 0
) -> SockAddr | None:
    """Return the address as that inet socket takes it, None where it cannot.

    An IPv6 socket reaches IPv4 by way of ::ffff:a.b.c.d, unless IPV6_V6ONLY.

    Raises:
        OSError: the address names an interface that there is not.

    """
    if sock.family == socket.AF_INET:
        return (str(address), port) if address.version == 4 else None
    if address.version == 6:
        return (str(address).partition("%")[0], port, 0, scope_id or _scope_of(address))
    if sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY):
        return None
    return (f"::ffff:{address}", port, 0, 0)


def _scope_of(address: IPv4Address | IPv6Address) -> int:
    """Return the number of the interface in fe80::1%eth0, 0 where none is named."""
    zone = address.scope_id if isinstance(address, IPv6Address) else None
    if not zone:
        return 0
    return int(zone) if zone.isdecimal() else socket.if_nametoindex(zone)


def has_peer(sock: socket.socket) -> bool:
    """Tell whether a socket is connected."""
    try:
        sock.getpeername()
    except OSError:
        return False
    return True
