"""Hosts and endpoints: what a connection can be asked for.

A `Host` is an IP address or a domain name, exactly the three address types of
RFC 1928, section 5. Nothing here looks a name up.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import overload

__all__ = [
    "DNS_OVER_TLS_PORT",
    "DNS_PORT",
    "MAX_LABEL_BYTES",
    "MAX_NAME_BYTES",
    "Endpoint",
    "Host",
    "normalise_name",
    "parse_host",
    "parse_port",
    "unmapped",
]

Host = IPv4Address | IPv6Address | str
"""An IP address, or a domain name as `normalise_name` returns it."""

MAX_NAME_BYTES = 253
"""Longest name in its text form without the trailing dot (RFC 1035, section 2.3.4)."""

MAX_LABEL_BYTES = 63
"""Longest label (RFC 1035, section 2.3.4)."""


DNS_PORT, DNS_OVER_TLS_PORT = 53, 853
"""RFC 1035, section 4.2, and RFC 7858, section 3.1; DNS over QUIC has the latter's number (RFC 9250)."""

_NO_NAME = frozenset("\x7f/:?#[]@%")
"""What would be read as something else in an authority (RFC 3986, section 3.2)."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A host and a TCP or UDP port in host order."""

    host: Host
    port: int

    def __str__(self) -> str:
        """Return HOST:PORT, an IPv6 address in brackets."""
        if isinstance(self.host, IPv6Address):
            return f"[{self.host}]:{self.port}"
        return f"{self.host}:{self.port}"


@lru_cache(maxsize=1024)
def normalise_name(name: str) -> str:
    """Return `name` in lower case without its trailing dot.

    Raises:
        ValueError: the name is empty, has an empty label, a label of more
            than 63 bytes, more than 253 bytes, a blank or control character,
            or one that parts a URL.

    """
    folded = name.lower().removesuffix(".")
    size = len(folded.encode("utf-8", "surrogateescape"))
    if not folded:
        raise ValueError("expected a host name, found an empty one")
    if size > MAX_NAME_BYTES:
        raise ValueError(f"expected a host name of at most {MAX_NAME_BYTES} bytes, found {size}")
    if any(ch <= " " or ch in _NO_NAME for ch in folded):
        raise ValueError(f"expected a host name, found a character that none has in {name!r}")
    for label in folded.split("."):
        label_size = len(label.encode("utf-8", "surrogateescape"))
        if not label:
            raise ValueError(f"expected a host name, found an empty label in {name!r}")
        if label_size > MAX_LABEL_BYTES:
            raise ValueError(
                f"expected labels of at most {MAX_LABEL_BYTES} bytes, found {label_size} in {name!r}"
            )
    return folded


def parse_host(text: str) -> Host:
    """Return the host that `text` spells; IPv6 with or without brackets.

    Raises:
        ValueError: neither an address nor a possible name.

    """
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        return ip_address(bare)
    except ValueError:
        if ":" in bare or bare != text:
            raise ValueError(f"expected an IPv6 address, found {bare!r}") from None
        return normalise_name(text)


def parse_port(text: str) -> int:
    """Return the port that `text` spells, 1 to 65535.

    Raises:
        ValueError: not a decimal number, or out of range.

    """
    is_number = text.isascii() and text.isdigit() and len(text) <= 5
    if not is_number or not 1 <= int(text) <= 65535:
        raise ValueError(f"expected a port from 1 to 65535, found {text!r}")
    return int(text)


@overload
def unmapped(host: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address: ...


@overload
def unmapped(host: Host) -> Host: ...


def unmapped(host: Host) -> Host:
    """Return the IPv4 address inside ::ffff:a.b.c.d (RFC 4291, section 2.5.5.2), any other host as it is.

    A dual-stack socket names IPv4 destinations so; on the wire they are IPv4.
    """
    if isinstance(host, IPv6Address) and host.ipv4_mapped is not None:
        return host.ipv4_mapped
    return host
