"""Whether what listens is a proxy of its scheme that would let us in.

SOCKS5 tells by its method negotiation alone. The others have nothing before
the request, so they are asked for port 0 of their own host, where nobody can
be: whatever a proxy says to that, it is one.

Some say no by closing the connection: `ssh -D` spoken to as SOCKS4, pproxy as
HTTP. So does what speaks something else. The two differ where the last byte of
the request is missing: who has understood the rest waits for it.
"""

from __future__ import annotations

from ipaddress import IPv4Address

from proxywrap.address import Endpoint
from proxywrap.errors import ProxyRefused
from proxywrap.protocol.effects import Flow, ReadExactly, Send
from proxywrap.protocol.handshake import client_handshake, client_opening
from proxywrap.protocol.isolation import UNASKED, Isolation
from proxywrap.scheme import Scheme
from proxywrap.uri import ProxyURI

__all__ = ["NOBODY", "asks_at_once", "client_greeting", "unfinished_greeting"]

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


def asks_at_once(uri: ProxyURI) -> bool:
    """Tell whether the first words to the proxy `uri` are a request, so that it may say no by closing."""
    return uri.scheme in {Scheme.SOCKS4, Scheme.SOCKS4A, Scheme.HTTP}


def unfinished_greeting(uri: ProxyURI) -> Flow[None]:
    """Ask likewise but for the last byte, and wait for what ought not to come.

    For a proxy that `asks_at_once` is true of, and that has closed at the whole question. It is
    there if this raises TimedOut.

    Raises:
        TimedOut: it waits for the rest, as only a proxy of its scheme does.
        TruncatedError: it closed.

    """
    asking = client_handshake(uri, NOBODY)
    effect = next(asking)
    asking.close()
    assert isinstance(effect, Send)  # noqa: S101 - a request comes first
    yield Send(effect.data[:-1])
    yield ReadExactly(1)


def _ask_for_nobody(uri: ProxyURI) -> Flow[None]:
    try:
        yield from client_handshake(uri, NOBODY)
    except ProxyRefused as exc:
        if exc.is_authentication:
            raise
