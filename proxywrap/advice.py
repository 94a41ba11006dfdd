"""What to write instead: a line for each of the usual mistakes in a proxy's line."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from proxywrap.net.identify import Speaks
from proxywrap.net.walking import Stop, StopKind
from proxywrap.scheme import Scheme
from proxywrap.uri import ProxyURI

__all__ = ["CLOSES", "LEAVE_IT_OUT", "PROTOCOL_FAULTS", "advise", "advise_on_names", "is_foreign"]

PROTOCOL_FAULTS = frozenset({StopKind.SILENT, StopKind.CLOSED, StopKind.FOREIGN})
"""What a server of another protocol does."""

LEAVE_IT_OUT = "it does not take its handshake in one flight: leave out pipeline=1"

CLOSES = (
    "it says no by closing the connection, as `ssh -D` does, which hides why: "
    "add --to HOST:PORT to try a destination"
)

_SCHEMES = {
    Speaks.SOCKS5: "socks5",
    Speaks.SOCKS4: "socks4",
    Speaks.HTTP_PROXY: "http",
    Speaks.TLS_HTTP: "https",
    Speaks.TLS_SOCKS5: "socks5+tls",
}
"""What a proxy's URL begins with, by what is spoken."""

_KINDS = {
    Speaks.SOCKS5: "a SOCKS5 proxy",
    Speaks.SOCKS4: "a SOCKS4 proxy",
    Speaks.HTTP_PROXY: "an HTTP proxy",
    Speaks.TLS_HTTP: "an HTTP proxy that is spoken to by TLS",
    Speaks.TLS_SOCKS5: "a SOCKS5 proxy that is spoken to by TLS",
}

_NOT_PROXIES = {
    Speaks.WEB: "a web server listens there, and no proxy: write the port of the proxy",
    Speaks.SSH: "an SSH server listens there: write ssh://{host}:{port}",
    Speaks.TLS: "a TLS server listens there, and no proxy: write the port of the proxy",
    Speaks.OTHER: "what listens there speaks no proxy's protocol: write the port of the proxy",
}


def advise(stop: Stop, speaks: AbstractSet[Speaks]) -> str:
    """Return what is wrong with a proxy, and what to write instead.

    Args:
        stop: what stopped a walk at it.
        speaks: what it was found to speak, nothing where it was not asked.

    """
    hop = stop.hop
    if hop.scheme is Scheme.SSH:
        return stop.reason  # it says what to do
    if stop.kind in PROTOCOL_FAULTS:
        return _advise_on_protocol(stop, speaks)
    if hop.options.isolate is not None and stop.kind is StopKind.WRONG_PASSWORD:
        return stop.reason
    if "only basic is known" in stop.reason:
        return stop.reason  # no user name and no password would help
    user = "the user name and the password" if _has_password(hop) else "the user name"
    lines = {
        StopKind.NO_NAME: f"the name {hop.host} is unknown here: correct it, or write the address",
        StopKind.REFUSED: f"nobody listens on {hop.endpoint}: start the proxy, or write its right port",
        StopKind.UNREACHABLE: _advise_on_address(stop),
        StopKind.NO_PASSWORD: f"it wants {user.replace('the', 'a')}: write {_with_credentials(hop)}",
        StopKind.WRONG_PASSWORD: f"it refuses {user}: write the right {_with_credentials(hop)}",
    }
    return lines.get(stop.kind, stop.reason)


def is_foreign(hop: ProxyURI, speaks: AbstractSet[Speaks]) -> bool:
    """Tell whether a server that has not answered yet is known to be of another kind.

    One that speaks SOCKS of any version may be slow in speaking the other, too.
    """
    if hop.has_tls or not speaks or speaks & {Speaks.SOCKS4, Speaks.SOCKS5}:
        return False
    return not (hop.scheme is Scheme.HTTP and Speaks.HTTP_PROXY in speaks)


def _advise_on_address(stop: Stop) -> str:
    is_asked_already = stop.reason.endswith("?")
    return (
        stop.reason if is_asked_already else f"{stop.reason}: write its right address, or open the firewall"
    )


def advise_on_names() -> str:
    """Return what to do about a proxy that resolves no names."""
    return "it cannot resolve names: write `resolve local *` below [rules], to have them looked up here"


def _advise_on_protocol(stop: Stop, speaks: AbstractSet[Speaks]) -> str:
    hop = stop.hop
    spoken = [each for each in _SCHEMES if each in speaks]
    kind = hop.kind.replace("socks5h", "socks5").replace("socks4a", "socks4")
    if any(kind == _SCHEMES[each] for each in spoken):
        return f"{stop.reason}, though it speaks the protocol: its own log may say why"
    for each in spoken:
        return f"{_KINDS[each]} listens there: write {_url(_SCHEMES[each], hop)}"
    for each, text in _NOT_PROXIES.items():
        if each in speaks:
            return text.format(host=hop.host, port=hop.port)
    if stop.kind is StopKind.CLOSED:
        return "it closes the connection at the first word: write its right port, or have it let this host in"
    return "it answers nothing: write its right port; is it a proxy at all?"


def _url(scheme: str, hop: ProxyURI) -> str:
    userinfo = "" if hop.username is None or scheme == "socks4" else "USER:PASSWORD@"
    return f"{scheme}://{userinfo}{hop.endpoint}"


def _with_credentials(hop: ProxyURI) -> str:
    return f"{hop.kind}://USER{':PASSWORD' if _has_password(hop) else ''}@{hop.endpoint}"


def _has_password(hop: ProxyURI) -> bool:
    return hop.scheme not in {Scheme.SOCKS4, Scheme.SOCKS4A}
