"""Proxy URIs: `socks5://user:pa%40ss@proxy.example:1080`.

Credentials are percent-decoded to bytes, as they go on the wire, and never
appear in a repr or in `str()`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import unquote_to_bytes

from proxywrap.address import Endpoint, Host, parse_host, parse_port

__all__ = ["ProxyURI", "Scheme", "parse_uri"]

MAX_CREDENTIAL_BYTES = 255
"""RFC 1929, section 2: ULEN and PLEN are one octet."""

DEFAULT_PORTS = {"socks4": 1080, "socks4a": 1080, "socks5": 1080, "socks5h": 1080, "http": 8080}


class Scheme(StrEnum):
    """What is spoken with a hop; `socks5h` is kept as it was written."""

    SOCKS4 = "socks4"
    SOCKS4A = "socks4a"
    SOCKS5 = "socks5"
    SOCKS5H = "socks5h"
    HTTP = "http"


@dataclass(frozen=True, slots=True)
class ProxyURI:
    """One proxy: how to speak with it, where it is, and who we are."""

    scheme: Scheme
    host: Host
    port: int
    username: bytes | None = field(default=None, repr=False)
    password: bytes | None = field(default=None, repr=False)

    @property
    def endpoint(self) -> Endpoint:
        """Where the proxy listens."""
        return Endpoint(self.host, self.port)

    def __str__(self) -> str:
        """Return the URI with any credentials as `***`."""
        userinfo = "***@" if self.username is not None else ""
        return f"{self.scheme}://{userinfo}{self.endpoint}"


_URI = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://"
    r"(?:(?P<userinfo>.*)@)?"
    r"(?P<host>\[[^\]]*\]|[^:/@\[\]]*)"
    r"(?::(?P<port>[^:/@]*))?/?",
)


def parse_uri(text: str) -> ProxyURI:
    """Return the proxy that `text` describes.

    The host part begins after the *last* `@`, the password after the first
    `:` of the userinfo (as proxychains-ng reads it); both are percent-decoded.

    Raises:
        ValueError: what was expected and what was found. The text never
            contains the credentials.

    """
    match = _URI.fullmatch(text)
    if match is None:
        raise ValueError("expected a proxy URL like socks5://[USER:PASSWORD@]HOST:PORT")
    try:
        scheme = Scheme(match["scheme"].lower())
    except ValueError:
        known = ", ".join(Scheme)
        raise ValueError(f"expected one of the schemes {known}, found {match['scheme']!r}") from None
    if not match["host"]:
        raise ValueError(f"expected a host after {scheme}://, found none")
    port = DEFAULT_PORTS[scheme] if match["port"] is None else parse_port(match["port"])
    username, password = _parse_userinfo(scheme, match["userinfo"])
    return ProxyURI(scheme, parse_host(match["host"]), port, username, password)


def _parse_userinfo(scheme: Scheme, userinfo: str | None) -> tuple[bytes | None, bytes | None]:
    if userinfo is None:
        return None, None
    user_text, colon, password_text = userinfo.partition(":")
    username, password = unquote_to_bytes(user_text), unquote_to_bytes(password_text)
    if scheme in {Scheme.SOCKS4, Scheme.SOCKS4A}:
        if colon:
            raise ValueError(f"expected {scheme}://USER@HOST:PORT: SOCKS4 has no password")
        return username, None
    for what, value in (("user name", username), ("password", password)):
        if len(value) > MAX_CREDENTIAL_BYTES:
            raise ValueError(f"expected a {what} of at most {MAX_CREDENTIAL_BYTES} bytes, found {len(value)}")
    return username, password
