"""SOCKS5 (RFC 1928), the server's role; `socks5` shows the dialogue."""

from __future__ import annotations

import errno

from proxywrap.address import Endpoint, Host
from proxywrap.errors import ProxyRefused, RemoteProtocolError
from proxywrap.protocol import userpass
from proxywrap.protocol.command import Command, decode_name
from proxywrap.protocol.diagnosis import mismatch
from proxywrap.protocol.effects import Flow, ReadExactly, Send
from proxywrap.protocol.request import Check, Request
from proxywrap.protocol.socks5 import (
    RSV,
    UNSPECIFIED,
    VERSION,
    Atyp,
    Method,
    Rep,
    pack_address,
    parse_number,
    read_address,
)
from proxywrap.scheme import Scheme

__all__ = ["negotiate_method", "read_request", "send_reply"]


def negotiate_method(check: Check | None = None, first: bytes = b"") -> Flow[tuple[bytes, bytes] | None]:
    """Choose a method among those a client offers, and run it (section 3).

    Without `check` no authentication is preferred, but a client that offers
    only user name and password gets its way.

    Args:
        check: who may pass; None lets all pass.
        first: what has been read of the client's message already.

    Returns:
        The user name and the password, None where none was asked for.

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
    credentials = yield from negotiate_method(check, first)
    ver, cmd, _rsv, atyp = yield ReadExactly(4)
    if ver != VERSION:
        raise mismatch("a SOCKS5 request of version 5", ver, of_client=True)
    if atyp not in Atyp.__members__.values():
        yield from send_reply(Rep.ADDRESS_TYPE_NOT_SUPPORTED)
        raise RemoteProtocolError(f"expected an address type 1, 3 or 4 in the SOCKS5 request, got {atyp}")
    data, port = yield from read_address(Atyp(atyp))
    if cmd not in Command.__members__.values():
        yield from send_reply(Rep.COMMAND_NOT_SUPPORTED)
        raise RemoteProtocolError(f"expected a SOCKS5 command from 1 to 3, got {cmd}")
    host: Host = decode_name(data) if atyp == Atyp.DOMAINNAME else parse_number(atyp, data)
    username, password = credentials or (None, None)
    return Request(Scheme.SOCKS5, Command(cmd), Endpoint(host, port), username, password)


def send_reply(rep: Rep, bound: Endpoint = UNSPECIFIED) -> Flow[None]:
    """Send the reply to a request (section 6)."""
    yield Send(bytes([VERSION, rep, RSV]) + pack_address(bound))
