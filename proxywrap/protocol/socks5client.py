"""SOCKS5 (RFC 1928), the client's role; `socks5` shows the dialogue."""

from __future__ import annotations

import errno

from proxywrap.address import Endpoint
from proxywrap.errors import ProxyRefused, RemoteProtocolError
from proxywrap.protocol import userpass
from proxywrap.protocol.diagnosis import mismatch, read_answer
from proxywrap.protocol.effects import Flow, ReadExactly, Send
from proxywrap.protocol.request import Command
from proxywrap.protocol.socks5 import (
    ABOUT_DESTINATION,
    REP_ERRNO,
    RSV,
    VERSION,
    Atyp,
    Method,
    Rep,
    pack_address,
    parse_number,
    read_address,
)

__all__ = ["connect", "connect_in_one_flight", "negotiate", "request"]

_ATYPS = frozenset(Atyp)

_REASONS = {
    Rep.GENERAL_FAILURE: "general failure of the proxy{code}: its own log says why",
    Rep.NOT_ALLOWED: "not allowed by the proxy's rules{code}: whoever runs it can change them",
    Rep.NETWORK_UNREACHABLE: "network unreachable{code}",
    Rep.HOST_UNREACHABLE: "host unreachable{code}",
    Rep.CONNECTION_REFUSED: "connection refused by the destination{code}",
    Rep.TTL_EXPIRED: "TTL expired{code}",
    Rep.COMMAND_NOT_SUPPORTED: "the proxy does not carry CONNECT{code}: its configuration has to allow it",
    Rep.ADDRESS_TYPE_NOT_SUPPORTED: "the proxy knows no such type of address{code}: IPv6, or names?",
}


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
    yield from negotiate(credentials)
    yield from _request(Command.CONNECT, packed)


def connect_in_one_flight(
    destination: Endpoint, username: bytes | None = None, password: bytes | None = None
) -> Flow[None]:
    """Ask a SOCKS5 proxy for `destination`, and read what it says to each part when all is sent.

    Two round trips fewer, of which RFC 1928 knows nothing: a proxy that forgets
    what it has read beyond the part it is at will not answer. One method is
    offered, for what follows depends on which it is.

    Args and Raises: as for `connect`.

    """
    credentials = None if username is None else (username, password or b"")
    method = Method.NO_AUTHENTICATION if credentials is None else Method.USERNAME_PASSWORD
    flight = bytes([VERSION, 1, method])
    if credentials is not None:
        flight += userpass.pack_request(*credentials)
    yield Send(flight + _pack_request(Command.CONNECT, pack_address(destination)))
    yield from _read_method([method], has_credentials=credentials is not None)
    if credentials is not None:
        yield from userpass.read_status()
    yield from _read_reply()


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


def negotiate(credentials: tuple[bytes, bytes] | None) -> Flow[None]:
    """Agree on a method, and give a password where that is it (sections 3 and 7).

    Raises:
        ProxyRefused: the proxy does not let us in.
        RemoteProtocolError: the answer is not one of SOCKS5.
        TruncatedError: the proxy closed in the middle.

    """
    methods = [Method.NO_AUTHENTICATION] + [Method.USERNAME_PASSWORD] * (credentials is not None)
    yield Send(bytes([VERSION, len(methods), *methods]))
    method = yield from _read_method(methods, has_credentials=credentials is not None)
    if method == Method.USERNAME_PASSWORD and credentials is not None:
        yield from userpass.authenticate(*credentials)


def _read_method(methods: list[Method], *, has_credentials: bool) -> Flow[int]:
    ver, method = yield from read_answer(2, "the answer of a SOCKS5 proxy to the methods offered")
    if ver != VERSION:
        raise mismatch("SOCKS version 5", ver)
    if method == Method.NO_ACCEPTABLE:
        raise _no_acceptable(has_credentials=has_credentials)
    if method not in methods:
        raise RemoteProtocolError(f"expected one of the methods {[int(m) for m in methods]}, got {method}")
    return method


def _request(cmd: Command, packed: bytes) -> Flow[Endpoint]:
    yield Send(_pack_request(cmd, packed))
    return (yield from _read_reply())


def _pack_request(cmd: Command, packed: bytes) -> bytes:
    return bytes([VERSION, cmd, RSV]) + packed


def _read_reply() -> Flow[Endpoint]:
    ver, rep = yield ReadExactly(2)
    if ver != VERSION:
        raise mismatch("a SOCKS5 reply of version 5", ver)
    if rep != Rep.SUCCEEDED:
        raise _refusal(rep)
    _rsv, atyp = yield ReadExactly(2)
    if atyp not in _ATYPS:
        raise RemoteProtocolError(f"expected an address type 1, 3 or 4 in the SOCKS5 reply, got {atyp}")
    data, port = yield from read_address(Atyp(atyp))
    if atyp == Atyp.DOMAINNAME:
        return Endpoint(data.decode("utf-8", "surrogateescape"), port)
    return Endpoint(parse_number(atyp, data), port)


def _no_acceptable(*, has_credentials: bool) -> ProxyRefused:
    if has_credentials:
        reason = "the proxy takes neither user name and password nor none: GSSAPI cannot be carried"
    else:
        reason = "the proxy wants a user name and password: write socks5://USER:PASSWORD@HOST:PORT"
    return ProxyRefused(reason, errno=errno.EACCES, is_destination_fault=False, is_authentication=True)


def _refusal(code: int) -> ProxyRefused:
    if code not in Rep.__members__.values():
        return ProxyRefused(
            f"unassigned reply (REP {code}): its own log may say why",
            errno=errno.ECONNREFUSED,
            is_destination_fault=False,
        )
    rep = Rep(code)
    return ProxyRefused(
        _REASONS[rep].format(code=f" (REP {code})"),
        errno=REP_ERRNO[rep],
        is_destination_fault=rep in ABOUT_DESTINATION,
    )
