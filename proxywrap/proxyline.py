"""A line below [ProxyList]: `TYPE HOST PORT [USER [PASSWORD]]`, or a URL.

No error quotes what could be a password.
"""

from __future__ import annotations

from proxywrap.hopoptions import is_option, parse_options
from proxywrap.scheme import KINDS, Scheme
from proxywrap.uri import (
    SSH_FORM,
    UNIX,
    ProxyURI,
    check_credentials,
    check_isolation,
    parse_proxy_host,
    parse_proxy_port,
    parse_uri,
)

__all__ = ["TYPES", "parse_proxy_line"]

TYPES = tuple(KINDS)

PROXY_SYNTAX = "TYPE HOST PORT [USER [PASSWORD]]"

MIN_FIELDS, MAX_FIELDS = 3, 5


def parse_proxy_line(fields: list[str]) -> tuple[ProxyURI, str | None]:
    """Return the proxy that a line describes, and a warning about it where there is one.

    Args:
        fields: what blanks part on the line, one at least.

    Raises:
        ValueError: what was expected and what was found.

    """
    if "://" in fields[0]:
        if not all("=" in word for word in fields[1:]):
            raise ValueError("expected nothing after a proxy URL, found more: write a blank in it as %20")
        return parse_uri(fields[0], fields[1:]), None
    kind = _parse_type(fields[0])
    scheme, has_tls = KINDS[kind]
    if scheme is Scheme.SSH:
        raise ValueError(f"expected a URL for ssh: write {SSH_FORM}")
    words: list[str] = []
    while has_tls and is_option(fields[-1]):  # in a line of proxychains it is somebody's name
        words.insert(0, fields[-1])
        fields = fields[:-1]
    options = parse_options(kind, words)
    if len(fields) > 1 and fields[1].startswith(UNIX):
        raise ValueError(f"expected a URL for a Unix socket: write {kind}://[USER:PASSWORD@]{UNIX}/PATH")
    if not MIN_FIELDS <= len(fields) <= MAX_FIELDS:
        raise ValueError(f"expected {PROXY_SYNTAX}, found {len(fields)} field{'s' * (len(fields) > 1)}")
    host, port = parse_proxy_host(fields[1]), parse_proxy_port(fields[2])
    username, password, warning = _parse_credentials(scheme, fields[3:])
    if any(is_option(field) for field in fields[3:]):
        warning = warning or f"an option behind this line is its user name: write it behind {kind}://…, a URL"
    check_credentials(scheme, username, password)
    check_isolation(options, username)
    return ProxyURI(scheme, host, port, username, password, None, has_tls, options), warning


def _parse_credentials(scheme: Scheme, fields: list[str]) -> tuple[bytes | None, bytes | None, str | None]:
    """Return user name and password as the scheme takes them, and a warning about what it does not."""
    if not fields:
        return None, None, None
    username, password = (part.encode("utf-8", "surrogateescape") for part in [*fields, ""][:2])
    if scheme is Scheme.RAW:
        return None, None, "nothing is said to a raw hop, no user name either: remove it"
    if scheme in {Scheme.SOCKS4, Scheme.SOCKS4A}:
        warning = f"{scheme} has no password, only the user name is sent: remove it, or use socks5"
        return username, None, warning if password else None
    return username, password, None


def _parse_type(word: str) -> str:
    if word in TYPES:
        return word
    known = ", ".join(TYPES)
    if word.lower() in TYPES:
        raise ValueError(f"expected one of the types {known} in lower case, found {word!r}")
    from proxywrap.suggest import did_you_mean  # noqa: PLC0415 - few words are misspelt

    # A proxy without its type begins with a host, or with somebody's credentials.
    found = "something else" if any(ch in word for ch in ":@") else repr(word)
    raise ValueError(f"expected one of the types {known}, found {found}{did_you_mean(word, TYPES)}")
