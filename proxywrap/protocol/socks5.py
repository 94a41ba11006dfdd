"""SOCKS5 (RFC 1928): what both roles have in common, its codes and addresses.

Knows nothing of sockets. The dialogue, with the RFC's own names::

    client                                              server
      VER=5 NMETHODS METHODS                      -->
                                                  <--   VER=5 METHOD
      [ sub-negotiation of that method: `userpass` ]
      VER=5 CMD RSV ATYP DST.ADDR DST.PORT        -->
                                                  <--   VER=5 REP RSV ATYP BND.ADDR BND.PORT

The roles are `socks5client` and `socks5server`. The length of an address
follows from ATYP, so the reply is read in three steps and no byte beyond it is
touched. A refusal is raised from its first two bytes: some servers send no more
of it, and the connection is of no use afterwards.

BIND and UDP ASSOCIATE share the request and the reply; CONNECT needs only the
first reply.
"""

from __future__ import annotations

import errno
import struct
from enum import IntEnum
from ipaddress import IPv4Address, IPv6Address

from proxywrap.address import Endpoint, unmapped
from proxywrap.protocol.command import encode_name
from proxywrap.protocol.effects import Flow, ReadExactly

__all__ = [
    "ABOUT_DESTINATION",
    "REP_ERRNO",
    "RSV",
    "UNSPECIFIED",
    "VERSION",
    "Atyp",
    "Method",
    "Rep",
    "pack_address",
    "parse_number",
    "read_address",
    "rep_for_errno",
]

VERSION = 5
RSV = 0

UNSPECIFIED = Endpoint(IPv4Address(0), 0)
"""BND.ADDR and BND.PORT of a reply that has none to tell."""


class Method(IntEnum):
    """Authentication methods (section 3)."""

    NO_AUTHENTICATION = 0x00
    GSSAPI = 0x01
    USERNAME_PASSWORD = 0x02
    NO_ACCEPTABLE = 0xFF


class Atyp(IntEnum):
    """Types of an address (section 5)."""

    IPV4 = 1
    DOMAINNAME = 3
    IPV6 = 4


class Rep(IntEnum):
    """Codes of a reply (section 6)."""

    SUCCEEDED = 0
    GENERAL_FAILURE = 1
    NOT_ALLOWED = 2
    NETWORK_UNREACHABLE = 3
    HOST_UNREACHABLE = 4
    CONNECTION_REFUSED = 5
    TTL_EXPIRED = 6
    COMMAND_NOT_SUPPORTED = 7
    ADDRESS_TYPE_NOT_SUPPORTED = 8


REP_ERRNO = {
    Rep.GENERAL_FAILURE: errno.EHOSTUNREACH,
    Rep.NOT_ALLOWED: errno.EACCES,
    Rep.NETWORK_UNREACHABLE: errno.ENETUNREACH,
    Rep.HOST_UNREACHABLE: errno.EHOSTUNREACH,
    Rep.CONNECTION_REFUSED: errno.ECONNREFUSED,
    Rep.TTL_EXPIRED: errno.ETIMEDOUT,
    Rep.COMMAND_NOT_SUPPORTED: errno.EHOSTUNREACH,
    Rep.ADDRESS_TYPE_NOT_SUPPORTED: errno.EHOSTUNREACH,
}
"""What the application sees for each code but SUCCEEDED."""

ABOUT_DESTINATION = {
    Rep.NETWORK_UNREACHABLE,
    Rep.HOST_UNREACHABLE,
    Rep.CONNECTION_REFUSED,
    Rep.TTL_EXPIRED,
}
"""Codes that speak of the destination; the others speak of the proxy itself."""

# Where several codes share an errno, the one that is about the destination is
# the one that a server means by it.
_ERRNO_REP = {REP_ERRNO[rep]: rep for rep in (Rep.NOT_ALLOWED, *sorted(ABOUT_DESTINATION))}


def rep_for_errno(error: int) -> Rep:
    """Return the code for a destination that failed with `error`, 0 meaning success."""
    if error == 0:
        return Rep.SUCCEEDED
    return _ERRNO_REP.get(error, Rep.GENERAL_FAILURE)


def pack_address(endpoint: Endpoint) -> bytes:
    """Return ATYP, address and port (section 5), as requests and replies carry them.

    Raises:
        LocalProtocolError: a name that the protocol cannot carry.

    """
    host = unmapped(endpoint.host)
    port = struct.pack("!H", endpoint.port)
    if isinstance(host, str):
        name = encode_name(host)
        return bytes([Atyp.DOMAINNAME, len(name)]) + name + port
    return bytes([Atyp.IPV4 if isinstance(host, IPv4Address) else Atyp.IPV6]) + host.packed + port


_ADDRESS_BYTES = {Atyp.IPV4: 4, Atyp.IPV6: 16}


def read_address(atyp: Atyp) -> Flow[tuple[bytes, int]]:
    """Read the address and port behind `atyp`, which is known to be valid."""
    size = _ADDRESS_BYTES.get(atyp) or (yield ReadExactly(1))[0]
    data = yield ReadExactly(size + 2)
    return data[:size], int.from_bytes(data[size:], "big")


def parse_number(atyp: int, data: bytes) -> IPv4Address | IPv6Address:
    """Return the address whose bytes are `data`, of one of the two numeric types."""
    return IPv4Address(data) if atyp == Atyp.IPV4 else IPv6Address(data)
