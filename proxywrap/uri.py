"""Proxy URIs: `socks5://user:pa%40ss@proxy.example:1080`.

Credentials are percent-decoded to bytes, as they go on the wire, and never
appear in a repr or in `str()`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address

from proxywrap.address import Endpoint, Host, parse_host, parse_port
from proxywrap.hopoptions import HopOptions, parse_options
from proxywrap.scheme import DEFAULT_PORTS, KINDS, TLS_KINDS, Scheme

__all__ = [
    "SSH_FORM",
    "UNIX",
    "ProxyURI",
    "check_credentials",
    "check_isolation",
    "parse_proxy_host",
    "parse_proxy_port",
    "parse_uri",
]

MAX_CREDENTIAL_BYTES = 255
"""RFC 1929, section 2: ULEN and PLEN are one octet."""


@dataclass(frozen=True, slots=True)
class ProxyURI:
    """One proxy: how to speak with it, where it is, and who we are."""

    scheme: Scheme
    host: Host
    port: int
    """0 where an ssh hop has none: ssh knows."""
    username: bytes | None = field(default=None, repr=False)
    password: bytes | None = field(default=None, repr=False)
    path: str | None = None
    """Of the Unix socket where it listens, which has no host and no port."""
    has_tls: bool = False
    """Whether that is spoken over TLS."""
    options: HopOptions = HopOptions()  # noqa: RUF009 - a tuple

    @property
    def endpoint(self) -> Endpoint:
        """Where the proxy listens."""
        return Endpoint(self.host, self.port)

    @property
    def is_relayed(self) -> bool:
        """Whether no inet socket can lead there by itself, so that bytes are to be relayed."""
        return self.path is not None or self.has_tls or self.scheme is Scheme.SSH

    @property
    def line(self) -> str:
        """The line that says the same, but for any credentials."""
        return f"{self} {self.options}".rstrip()

    @property
    def kind(self) -> str:
        """The scheme as it is written."""
        return TLS_KINDS[self.scheme] if self.has_tls else str(self.scheme)

    def __str__(self) -> str:
        """Return the URI with any credentials as `***`."""
        userinfo = "***@" if self.username is not None else ""
        place = str(self.endpoint) if self.path is None else f"{UNIX}{self.path}"
        if not self.port:
            place = place.removesuffix(":0")
        return f"{self.kind}://{userinfo}{place}"


UNIX = "unix:"

SSH_FORM = "ssh://[USER@]HOST[:PORT]"

MAX_PATH_BYTES = 107
"""unix(7): sun_path is 108 bytes, with a NUL behind it."""


_URI = (  # compiled by the first URL: most files have none
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://"
    r"(?:(?P<userinfo>.*)@)?"
    r"(?:unix:(?P<path>[^@?]*)|"
    r"(?P<host>\[[^\]]*\]|[^:/@?\[\]]*)"
    r"(?::(?P<port>[^:/@?]*))?/?)"
    r"(?:\?(?P<query>[^@]*))?"
)


_EXAMPLE = "socks5://[USER:PASSWORD@]HOST:PORT"

_IPV6_LIKE = r"\[?[0-9A-Fa-f:.]+(?:%[^\]]*)?\]?"


def parse_uri(text: str, words: Sequence[str] = ()) -> ProxyURI:
    """Return the proxy that `text` describes, with the options that follow it as `words`.

    The host part begins after the *last* `@`, the password after the first
    `:` of the userinfo (as proxychains-ng reads it); both are percent-decoded.

    Raises:
        ValueError: what was expected and what was found. The text never
            contains the credentials.

    """
    match = re.fullmatch(_URI, text)
    if match is None:
        raise ValueError(f"expected a proxy URL like {_EXAMPLE}, found {_what_is_wrong(text)}")
    kind = match["scheme"].lower()
    if kind not in KINDS:
        raise ValueError(_unknown_scheme(match["scheme"]))
    scheme, has_tls = KINDS[kind]
    username, password = _parse_userinfo(scheme, match["userinfo"])
    check_credentials(scheme, username, password)
    query = [_decode(word).decode("utf-8", "surrogateescape") for word in (match["query"] or "").split("&")]
    options = parse_options(kind, [*filter(None, query), *words])
    check_isolation(options, username)
    if match["path"] is not None:
        if has_tls:
            raise ValueError("expected a host: a certificate has no name for a Unix socket")
        if scheme is Scheme.SSH:
            raise ValueError(f"expected a host: write {SSH_FORM}")
        path = _parse_path(match["path"])
        return ProxyURI(scheme, "", 0, username, password, path, options=options)
    if not match["host"]:
        raise ValueError(f"expected a host after {kind}://, found none")
    if match["port"] is None and kind not in DEFAULT_PORTS:
        raise ValueError(f"expected {kind}://HOST:PORT, found no port: there is no usual one")
    port = DEFAULT_PORTS[kind] if match["port"] is None else _parse_url_port(match["port"])
    host = _parse_url_host(match["host"], match["userinfo"])
    if scheme is Scheme.SSH and isinstance(host, str):
        host = match["host"]  # as it is written, for that is what a Host line of ssh's is compared with
    return ProxyURI(scheme, host, port, username, password, None, has_tls, options)


def _what_is_wrong(text: str) -> str:
    """Say what keeps `text` from being a URL, without a word of it."""
    _scheme, separator, rest = text.partition("://")
    place = rest.rpartition("@")[2].partition("?")[0]
    if not text:
        return "nothing"
    if not separator:
        return "no :// in it: which kind of proxy is it?"
    if "/" in place.removesuffix("/"):
        return "a path: a proxy has none"
    if "[" in place or "]" in place:
        return "a bracket too many: an IPv6 address stands in one pair of them"
    if place.count(":") > 1:
        return "several ':' behind the host: an IPv6 address stands in brackets"
    return "something before ://"


def _unknown_scheme(scheme: str) -> str:
    expected = f"expected one of the schemes {', '.join(KINDS)}, found {scheme!r}"
    if scheme.lower() == "socks":
        return f"{expected}: write socks5, or socks4a for an old one"
    return expected


def _parse_url_host(text: str, userinfo: str | None) -> Host:
    """As `parse_proxy_host`, but quotes nothing where it may be a password's end, behind an @ in it."""
    try:
        return parse_proxy_host(text)
    except ValueError:
        if userinfo is None:
            raise
    raise ValueError("expected a host behind the last @, found what is neither a name nor an address")


def _parse_path(text: str) -> str:
    path = _decode(text)
    if not path.startswith(b"/"):
        raise ValueError(f"expected the path of a socket behind {UNIX}, from / on, found no / there")
    if b"\0" in path or len(path) > MAX_PATH_BYTES:
        raise ValueError(f"expected a path of at most {MAX_PATH_BYTES} bytes, none of them NUL")
    return path.decode("utf-8", "surrogateescape")


def _parse_url_port(text: str) -> int:
    """As `parse_proxy_port`, but quotes nothing: in USER:PASSWORD without a host it is the password."""
    try:
        return parse_proxy_port(text)
    except ValueError:
        found = "a number out of this range" if text.isdecimal() else "no number"
    raise ValueError(f"expected a port from 1 to 65535, found {found}")


def parse_proxy_host(text: str) -> Host:
    """Return the host of a proxy, an address or a name.

    Raises:
        ValueError: neither of the two, or a misspelt IPv4 address. Never
            quotes what may be a misplaced password.

    """
    if "@" in text:
        raise ValueError("expected a host, found '@' in it: credentials belong in front of it only in a URL")
    if text.rpartition(".")[2].isdecimal():  # no top-level domain is a number (RFC 3696, section 2)
        try:
            return IPv4Address(text)
        except ValueError:
            raise ValueError(f"expected an IPv4 address, found {text!r}") from None
    if ":" in text and not re.fullmatch(_IPV6_LIKE, text):
        raise ValueError("expected a host, found ':' in it: the port follows after a blank, or in a URL")
    return parse_host(text)


def parse_proxy_port(text: str) -> int:
    """Return the port of a proxy; as `parse_port`, but quotes numbers only.

    Raises:
        ValueError: not a port. What stands in its place may be a password.

    """
    if not text.removeprefix("-").isdecimal():
        raise ValueError("expected a port from 1 to 65535, found no number")
    return parse_port(text)


def check_credentials(scheme: Scheme, username: bytes | None, password: bytes | None) -> None:
    """Refuse credentials that the scheme cannot carry.

    Raises:
        ValueError: too long, or with a byte that ends the field on the wire.

    """
    for what, value in (("user name", username or b""), ("password", password or b"")):
        if len(value) > MAX_CREDENTIAL_BYTES:
            raise ValueError(f"expected a {what} of at most {MAX_CREDENTIAL_BYTES} bytes, found {len(value)}")
    if scheme in {Scheme.SOCKS4, Scheme.SOCKS4A} and b"\0" in (username or b""):
        raise ValueError("expected a user name without a NUL byte, which ends it in SOCKS4")
    if scheme is Scheme.SSH and re.search(rb"[\0-\x1f]", username or b""):
        raise ValueError("expected a user name without control characters")
    if scheme is Scheme.HTTP and b":" in (username or b""):
        raise ValueError("expected a user name without ':', which ends it in HTTP (RFC 7617, section 2)")


def check_isolation(options: HopOptions, username: bytes | None) -> None:
    """Refuse credentials beside an option that makes some up.

    Raises:
        ValueError: what to do about it.

    """
    if options.isolate is not None and username is not None:
        raise ValueError(
            f"expected no user name beside isolate={options.isolate}, which gives the proxy "
            f"one for each {options.isolate}, found one: remove either"
        )


def _parse_userinfo(scheme: Scheme, userinfo: str | None) -> tuple[bytes | None, bytes | None]:
    if userinfo is None:
        return None, None
    user_text, colon, password_text = userinfo.partition(":")
    if scheme is Scheme.RAW:
        raise ValueError("expected raw://HOST:PORT: nothing is said to a raw hop, not even who we are")
    if scheme is Scheme.SSH and colon:
        raise ValueError(f"expected {SSH_FORM}: ssh logs in by keys and its agent, with no password of ours")
    username, password = _decode(user_text), _decode(password_text)
    if scheme in {Scheme.SOCKS4, Scheme.SOCKS4A}:
        if colon:
            raise ValueError(f"expected {scheme}://USER@HOST:PORT: SOCKS4 has no password")
        return username, None
    if scheme is Scheme.SSH:
        return username or None, None
    return username, password


def _decode(text: str) -> bytes:
    """Return the bytes that percent-encoded `text` means; a lone % stands for itself.

    urllib.parse has this too, and costs every wrapped command its import.
    """
    data = text.encode("utf-8", "surrogateescape")
    return re.sub(rb"%([0-9A-Fa-f]{2})", lambda match: bytes.fromhex(match[1].decode()), data)
