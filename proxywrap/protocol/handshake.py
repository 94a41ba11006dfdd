"""One handshake for whatever protocol: by scheme for a client, by first byte for a server.

Knows nothing of sockets, nor of chains: a chain is one handshake after another
on the same bytes, each asking its proxy for the next one.

HTTP is imported when it is first spoken: h11 would be a fifth of the time that
the helper takes to be ready, and most chains have no HTTP proxy. So is the
server's role of SOCKS5, which the helper never plays.
"""

from __future__ import annotations

import errno
from collections.abc import Collection
from typing import TYPE_CHECKING, assert_never

from proxywrap.address import Endpoint
from proxywrap.errors import ProxyRefused
from proxywrap.protocol import socks4, socks5, socks5client
from proxywrap.protocol.command import Command
from proxywrap.protocol.diagnosis import mismatch, read_answer
from proxywrap.protocol.effects import Flow
from proxywrap.protocol.isolation import UNASKED, Isolation
from proxywrap.protocol.socks5client import Login
from proxywrap.scheme import Scheme
from proxywrap.uri import ProxyURI

if TYPE_CHECKING:
    from proxywrap.protocol.request import (  # of the server's role, which the helper never plays
        Check,
        Request,
    )

__all__ = [
    "client_handshake",
    "client_opening",
    "client_request",
    "login_for",
    "send_reply",
    "server_handshake",
]


def client_handshake(uri: ProxyURI, destination: Endpoint, isolation: Isolation = UNASKED) -> Flow[None]:
    """Ask the proxy `uri`, to which the bytes lead already, for `destination`.

    Afterwards the bytes lead to the destination. A name goes to the proxy as a
    name, with every scheme. A raw hop is asked nothing and leads where it leads,
    nor is ssh: the program itself was told the destination.

    Args:
        uri: the proxy.
        destination: where it is to lead.
        isolation: on whose behalf, for a proxy that is to know it apart from others.

    Raises:
        ProxyRefused: the proxy said no.
        RemoteProtocolError: the proxy speaks something else.
        TruncatedError: the proxy closed in the middle.
        LocalProtocolError: the protocol cannot carry the destination or the
            credentials.

    """
    match uri.scheme:
        case Scheme.SOCKS4 | Scheme.SOCKS4A:
            return socks4.connect(destination, uri.username or b"")
        case Scheme.SOCKS5 | Scheme.SOCKS5H:
            return _ask_socks5(uri, destination, isolation)
        case Scheme.HTTP:
            from proxywrap.protocol import httpconnect

            return httpconnect.connect(destination, uri.username, uri.password)
        case Scheme.RAW | Scheme.SSH:
            return _say_nothing()
        case _:
            assert_never(uri.scheme)


def client_opening(uri: ProxyURI, isolation: Isolation = UNASKED) -> Flow[None]:
    """Say to the proxy `uri` what can be said before a destination is known: with SOCKS5, who we are.

    Raises:
        ProxyRefused: the proxy does not let us in.
        RemoteProtocolError: the proxy speaks something else.
        TruncatedError: the proxy closed in the middle.
        LocalProtocolError: the protocol cannot carry the credentials.

    """
    if uri.scheme in {Scheme.SOCKS5, Scheme.SOCKS5H}:
        return socks5client.negotiate(login_for(uri, isolation))
    return _say_nothing()


def client_request(uri: ProxyURI, destination: Endpoint) -> Flow[object]:
    """Ask the proxy `uri`, to which all has been said that `client_opening` says, for `destination`.

    Raises:
        As `client_handshake` does.

    """
    if uri.scheme in {Scheme.SOCKS5, Scheme.SOCKS5H}:
        return socks5client.request(Command.CONNECT, destination)
    return client_handshake(uri, destination)


def login_for(uri: ProxyURI, isolation: Isolation) -> Login:
    """Return who we are to a SOCKS5 proxy: as its URL says, or as it is to know us apart."""
    if uri.options.isolate is None:
        return Login(uri.username, uri.password)
    return Login(*isolation.credentials(uri.options.isolate), is_needed=True)


def _ask_socks5(uri: ProxyURI, destination: Endpoint, isolation: Isolation) -> Flow[None]:
    login = login_for(uri, isolation)
    yield from socks5client.converse(
        Command.CONNECT, destination, login, in_one_flight=uri.options.is_pipelined
    )


def _say_nothing() -> Flow[None]:
    """Leave the bytes to whoever comes next: they lead where the hop leads by itself."""
    yield from ()


def server_handshake(
    check: Check | None = None, commands: Collection[Command] = (Command.CONNECT,)
) -> Flow[Request]:
    """Read a request in the protocol that its first byte tells.

    Args:
        check: who may pass; None lets all pass. SOCKS4 has no password and is
            checked with an empty one.
        commands: what may be asked for.

    Returns:
        The request, to be answered by `send_reply`.

    Raises:
        ProxyRefused: `check` said no, or another command was asked for; the
            client has been told.
        RemoteProtocolError: this is none of the three protocols, or malformed.
        TruncatedError: the client closed in the middle.

    """
    first = yield from read_answer(1, "a request of SOCKS or HTTP")
    if first[0] == socks5.VERSION:
        from proxywrap.protocol import socks5server

        request = yield from socks5server.read_request(check, first)
    elif first[0] == socks4.VERSION:
        request = yield from socks4.read_request(check, first)
    elif first.isalpha():
        from proxywrap.protocol import httpconnect

        request = yield from httpconnect.read_request(check, first)
    else:
        raise mismatch("a request of SOCKS4, SOCKS5 or HTTP", first[0], of_client=True)
    if request.cmd not in commands:
        yield from _refuse_command(request)
    return request


def _refuse_command(request: Request) -> Flow[None]:
    if request.scheme is Scheme.SOCKS5:
        from proxywrap.protocol import socks5server

        yield from socks5server.send_reply(socks5.Rep.COMMAND_NOT_SUPPORTED)
    else:
        yield from socks4.send_reply(socks4.Cd.REJECTED)
    raise ProxyRefused(
        f"the command {request.cmd.name} is not supported", errno=errno.EOPNOTSUPP, is_destination_fault=False
    )


def send_reply(request: Request, error: int = 0, bound: Endpoint = socks5.UNSPECIFIED) -> Flow[None]:
    """Answer `request` in its own protocol.

    Args:
        request: as `server_handshake` returned it.
        error: the errno that the destination failed with, 0 for success.
        bound: the server's own address towards the destination; only SOCKS5
            has room for it.

    """
    match request.scheme:
        case Scheme.SOCKS4 | Scheme.SOCKS4A:
            return socks4.send_reply(socks4.cd_for_errno(error))
        case Scheme.SOCKS5 | Scheme.SOCKS5H:
            from proxywrap.protocol import socks5server

            return socks5server.send_reply(socks5.rep_for_errno(error), bound)
        case Scheme.HTTP:
            from proxywrap.protocol import httpconnect

            return httpconnect.send_reply(httpconnect.status_for_errno(error))
        case Scheme.RAW | Scheme.SSH:
            return _say_nothing()
        case _:
            assert_never(request.scheme)
