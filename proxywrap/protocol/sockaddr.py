"""Socket addresses as the kernel lays them out (sockaddr_in, sockaddr_in6, sockaddr_un)."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address
from socket import AF_INET, AF_INET6, AF_UNSPEC
from typing import NamedTuple

__all__ = ["MAX_SOCKADDR_BYTES", "Place", "family_of", "pack_sockaddr", "parse_sockaddr", "unix_path"]

MAX_SOCKADDR_BYTES = 128
"""struct sockaddr_storage: the kernel takes no more."""

_FAMILY = struct.Struct("=H")
_INET = struct.Struct("!H4s")
_INET6 = struct.Struct("!HI16s")
_SCOPE = struct.Struct("=I")

_INET_BYTES = 16
_INET6_BYTES = 24
"""SIN6_LEN_RFC2133: the kernel can do without the scope."""


class Place(NamedTuple):
    """An inet address and a port; `scope_id` is 0 but for link-local addresses."""

    address: IPv4Address | IPv6Address
    port: int
    scope_id: int = 0


def family_of(data: bytes) -> int:
    """Return the family, AF_UNSPEC of what is too short to have one."""
    return int(_FAMILY.unpack_from(data)[0]) if len(data) >= _FAMILY.size else AF_UNSPEC


def parse_sockaddr(data: bytes) -> Place | None:
    """Return the place that an inet address names, None where it is none or too short."""
    family = family_of(data)
    if family == AF_INET and len(data) >= _INET_BYTES:
        port, ip = _INET.unpack_from(data, 2)
        return Place(IPv4Address(ip), port)
    if family == AF_INET6 and len(data) >= _INET6_BYTES:
        port, _flow, ip = _INET6.unpack_from(data, 2)
        scope_id = _SCOPE.unpack_from(data, _INET6_BYTES)[0] if len(data) >= _INET6_BYTES + 4 else 0
        return Place(IPv6Address(ip), port, scope_id)
    return None


def pack_sockaddr(place: Place) -> bytes:
    """Return the address as the kernel would give it."""
    if place.address.version == 4:
        return _FAMILY.pack(AF_INET) + _INET.pack(place.port, place.address.packed) + bytes(8)
    head = _FAMILY.pack(AF_INET6) + _INET6.pack(place.port, 0, place.address.packed)
    return head + _SCOPE.pack(place.scope_id)


def unix_path(data: bytes) -> bytes:
    """Return the path of an AF_UNIX address without its NUL; an abstract one begins with a NUL."""
    path = data[2:]
    return path if path[:1] == b"\0" else path.partition(b"\0")[0]
