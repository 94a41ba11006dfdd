"""SOCKS5 (RFC 1928), for both roles.

Knows nothing of sockets. The dialogue, with the RFC's own names::

    client                                              server
      VER=5 NMETHODS METHODS                      -->
                                                  <--   VER=5 METHOD
      [ sub-negotiation of that method: `userpass` ]
      VER=5 CMD RSV ATYP DST.ADDR DST.PORT        -->
                                                  <--   VER=5 REP RSV ATYP BND.ADDR BND.PORT

The length of an address follows from ATYP, so the reply is read in three steps
and no byte beyond it is touched. A refusal is raised from its first two bytes:
some servers send no more of it, and the connection is of no use afterwards.

BIND and UDP ASSOCIATE share the request and the reply; CONNECT needs only the
first reply.
"""

from __future__ import annotations

import errno
import struct
from enum import IntEnum
from ipaddress import IPv4Address, IPv6Address

from proxywrap.address import Endpoint, Host
from proxywrap.errors import ProxyRefused, RemoteProtocolError
from proxywrap.protocol import userpass
from proxywrap.protocol.diagnosis import mismatch, read_answer
from proxywrap.protocol.effects import Flow, ReadExactly, Send
from proxywrap.protocol.request import Check, Command, Request, decode_name, encode_name, unmapped
from proxywrap.uri import Scheme

__all__ = [
    "REP_ERRNO",
    "Atyp",
    "Method",
    "Rep",
    "connect",
    "negotiate_method",
    "pack_address",
    "read_request",
    "rep_for_errno",
    "request",
    "send_reply",
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


_ATYPS = frozenset(Atyp)


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
    Rep.GENERAL_FAILURE: errno.ECONNREFUSED,
    Rep.NOT_ALLOWED: errno.EACCES,
    Rep.NETWORK_UNREACHABLE: errno.ENETUNREACH,
    Rep.HOST_UNREACHABLE: errno.EHOSTUNREACH,
    Rep.CONNECTION_REFUSED: errno.ECONNREFUSED,
    Rep.TTL_EXPIRED: errno.ETIMEDOUT,
    Rep.COMMAND_NOT_SUPPORTED: errno.ECONNREFUSED,
    Rep.ADDRESS_TYPE_NOT_SUPPORTED: errno.ECONNREFUSED,
}
"""What the application sees for each code but SUCCEEDED."""

_ABOUT_DESTINATION = {
    Rep.NETWORK_UNREACHABLE,
    Rep.HOST_UNREACHABLE,
    Rep.CONNECTION_REFUSED,
    Rep.TTL_EXPIRED,
}

# Where several codes share an errno, the one that is about the destination is
# the one that a server means by it.
_ERRNO_REP = {REP_ERRNO[rep]: rep for rep in (Rep.NOT_ALLOWED, *sorted(_ABOUT_DESTINATION))}

_REASONS = {
    Rep.GENERAL_FAILURE: "general failure of the proxy",
    Rep.NOT_ALLOWED: "not allowed by the proxy's rules",
    Rep.NETWORK_UNREACHABLE: "network unreachable",
    Rep.HOST_UNREACHABLE: "host unreachable",
    Rep.CONNECTION_REFUSED: "connection refused by the destination",
    Rep.TTL_EXPIRED: "TTL expired",
    Rep.COMMAND_NOT_SUPPORTED: "the proxy does not know the command",
    Rep.ADDRESS_TYPE_NOT_SUPPORTED: "the proxy does not know the type of address",
}


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


def _read_address(atyp: Atyp) -> Flow[tuple[bytes, int]]:
    """Read the address and port behind `atyp`, which is known to be valid."""
    size = _ADDRESS_BYTES.get(atyp) or (yield ReadExactly(1))[0]
    data = yield ReadExactly(size + 2)
    return data[:size], int.from_bytes(data[size:], "big")


def _parse_number(atyp: int, data: bytes) -> IPv4Address | IPv6Address:
    return IPv4Address(data) if atyp == Atyp.IPV4 else IPv6Address(data)


# ---
# Client


def connect(
    destination: Endpoint, username: bytes | None = None, password: bytes | None = None
) -> Flow[None]:
    """Ask a SOCKS5 proxy for `destination`.

    Args:
        destination: where to; a name is resolved by the proxy.
        username: offered beside no authentication, unless None.
        password: None counts as an empty one.

    Raises:
        ProxyRefused: the proxy said no, with the errno of `REP_ERRNO`.
        RemoteProtocolError: the answer is not one of SOCKS5.
        TruncatedError: the proxy closed in the middle.
        LocalProtocolError: a name, user name or password that is too long.

    """
    credentials = None if username is None else (username, password or b"")
    packed = pack_address(destination)  # a name too long is known before the first byte goes out
    yield from _negotiate(credentials)
    yield from _request(Command.CONNECT, packed)


def request(cmd: Command, destination: Endpoint) -> Flow[Endpoint]:
    """Send a request and read its reply (sections 4 and 6).

    Returns:
        BND.ADDR and BND.PORT. A name among them is not checked in any way.

    Raises:
        ProxyRefused: the reply is not SUCCEEDED.
        RemoteProtocolError: the answer is not one of SOCKS5.
        TruncatedError: the proxy closed in the middle.
        LocalProtocolError: a name that is too long.

    """
    return (yield from _request(cmd, pack_address(destination)))


def _negotiate(credentials: tuple[bytes, bytes] | None) -> Flow[None]:
    methods = [Method.NO_AUTHENTICATION] + [Method.USERNAME_PASSWORD] * (credentials is not None)
    yield Send(bytes([VERSION, len(methods), *methods]))
    ver, method = yield from read_answer(2, "the answer of a SOCKS5 proxy to the methods offered")
    if ver != VERSION:
        raise mismatch("SOCKS version 5", ver)
    if method == Method.NO_ACCEPTABLE:
        raise _no_acceptable(has_credentials=credentials is not None)
    if method not in methods:
        raise RemoteProtocolError(f"expected one of the methods {[int(m) for m in methods]}, got {method}")
    if method == Method.USERNAME_PASSWORD and credentials is not None:
        yield from userpass.authenticate(*credentials)


def _request(cmd: Command, packed: bytes) -> Flow[Endpoint]:
    yield Send(bytes([VERSION, cmd, RSV]) + packed)
    ver, rep = yield ReadExactly(2)
    if ver != VERSION:
        raise mismatch("a SOCKS5 reply of version 5", ver)
    if rep != Rep.SUCCEEDED:
        raise _refusal(rep)
    _rsv, atyp = yield ReadExactly(2)
    if atyp not in _ATYPS:
        raise RemoteProtocolError(f"expected an address type 1, 3 or 4 in the SOCKS5 reply, got {atyp}")
    data, port = yield from _read_address(Atyp(atyp))
    if atyp == Atyp.DOMAINNAME:
        return Endpoint(data.decode("utf-8", "surrogateescape"), port)
    return Endpoint(_parse_number(atyp, data), port)


def _no_acceptable(*, has_credentials: bool) -> ProxyRefused:
    if has_credentials:
        reason = "the proxy takes neither user name and password nor none: does it want GSSAPI?"
    else:
        reason = "the proxy wants a user name and password: write socks5://USER:PASSWORD@HOST:PORT"
    return ProxyRefused(reason, errno=errno.EACCES, is_destination_fault=False)


def _refusal(code: int) -> ProxyRefused:
    if code not in Rep.__members__.values():
        return ProxyRefused(
            f"unassigned reply (REP {code})", errno=errno.ECONNREFUSED, is_destination_fault=False
        )
    rep = Rep(code)
    return ProxyRefused(
        f"{_REASONS[rep]} (REP {code})", errno=REP_ERRNO[rep], is_destination_fault=rep in _ABOUT_DESTINATION
    )


# ---
# Server


def negotiate_method(check: Check | None = None, first: bytes = b"") -> Flow[bytes | None]:
    """Choose a method among those a client offers, and run it (section 3).

    Without `check` no authentication is preferred, but a client that offers
    only user name and password gets its way.

    Args:
        check: who may pass; None lets all pass.
        first: what has been read of the client's message already.

    Returns:
        The user name, None where none was asked for.

    Raises:
        ProxyRefused: no acceptable method, or `check` said no; the client has
            been told.
        RemoteProtocolError: this is not SOCKS5.
        TruncatedError: the client closed in the middle.

    """
    ver, nmethods = first + (yield ReadExactly(2 - len(first)))
    if ver != VERSION:
        raise mismatch("SOCKS version 5", ver, of_client=True)
    methods = (yield ReadExactly(nmethods)) if nmethods else b""
    if check is None and Method.NO_AUTHENTICATION in methods:
        yield Send(bytes([VERSION, Method.NO_AUTHENTICATION]))
        return None
    if Method.USERNAME_PASSWORD in methods:
        yield Send(bytes([VERSION, Method.USERNAME_PASSWORD]))
        return (yield from userpass.check_credentials(check))
    yield Send(bytes([VERSION, Method.NO_ACCEPTABLE]))
    raise ProxyRefused(
        f"none of the methods {list(methods)} is acceptable", errno=errno.EACCES, is_destination_fault=False
    )


def read_request(check: Check | None = None, first: bytes = b"") -> Flow[Request]:
    """Negotiate the method and read the request; its reply is still to be sent.

    Args:
        check: who may pass; None lets all pass.
        first: what has been read of the client's first message already.

    Raises:
        ProxyRefused: no acceptable method, or `check` said no; the client has
            been told.
        RemoteProtocolError: this is not SOCKS5, or asks for what it does not
            have; the client has been told of the latter.
        TruncatedError: the client closed in the middle.

    """
    username = yield from negotiate_method(check, first)
    ver, cmd, _rsv, atyp = yield ReadExactly(4)
    if ver != VERSION:
        raise mismatch("a SOCKS5 request of version 5", ver, of_client=True)
    if atyp not in Atyp.__members__.values():
        yield from send_reply(Rep.ADDRESS_TYPE_NOT_SUPPORTED)
        raise RemoteProtocolError(f"expected an address type 1, 3 or 4 in the SOCKS5 request, got {atyp}")
    data, port = yield from _read_address(Atyp(atyp))
    if cmd not in Command.__members__.values():
        yield from send_reply(Rep.COMMAND_NOT_SUPPORTED)
        raise RemoteProtocolError(f"expected a SOCKS5 command from 1 to 3, got {cmd}")
    host: Host = decode_name(data) if atyp == Atyp.DOMAINNAME else _parse_number(atyp, data)
    return Request(Scheme.SOCKS5, Command(cmd), Endpoint(host, port), username)


def send_reply(rep: Rep, bound: Endpoint = UNSPECIFIED) -> Flow[None]:
    """Send the reply to a request (section 6)."""
    yield Send(bytes([VERSION, rep, RSV]) + pack_address(bound))
