"""Whether what listens is a proxy of its scheme that would let us in.

SOCKS5 tells by its method negotiation alone. The others have nothing before
the request, so they are asked for port 0 of their own host, where nobody can
be: whatever a proxy says to that, it is one.
"""

from __future__ import annotations

from ipaddress import IPv4Address

from proxywrap.address import Endpoint
from proxywrap.errors import ProxyRefused
from proxywrap.protocol.effects import Flow
from proxywrap.protocol.handshake import client_handshake, client_opening
from proxywrap.protocol.isolation import UNASKED, Isolation
from proxywrap.scheme import Scheme
from proxywrap.uri import ProxyURI

__all__ = ["NOBODY", "client_greeting"]

NOBODY = Endpoint(IPv4Address("0.0.0.0"), 0)


def client_greeting(uri: ProxyURI, isolation: Isolation = UNASKED) -> Flow[None]:
    """Find out whether the bytes lead to the proxy `uri`, and ask it for nothing that could exist.

    Raises:
        ProxyRefused: it does not let us in.
        RemoteProtocolError: it speaks something else.
        TruncatedError: it closed in the middle.
        LocalProtocolError: the protocol cannot carry the credentials.

    """
    if uri.scheme in {Scheme.SOCKS5, Scheme.SOCKS5H}:
        return client_opening(uri, isolation)
    return _ask_for_nobody(uri)


def _ask_for_nobody(uri: ProxyURI) -> Flow[None]:
    try:
        yield from client_handshake(uri, NOBODY)
    except ProxyRefused as exc:
        if exc.is_authentication:
            raise
