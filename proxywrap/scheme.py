"""Kinds of hops: what is spoken with a proxy, and whether over TLS."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["DEFAULT_PORTS", "KINDS", "TLS_KINDS", "Scheme"]


class Scheme(StrEnum):
    """What is spoken with a hop: nothing with a `raw` one, and by a program with `ssh`.

    `socks5h` is kept as it was written.
    """

    SOCKS4 = "socks4"
    SOCKS4A = "socks4a"
    SOCKS5 = "socks5"
    SOCKS5H = "socks5h"
    HTTP = "http"
    RAW = "raw"
    SSH = "ssh"


TLS_KINDS = {
    Scheme.HTTP: "https",
    Scheme.SOCKS4A: "socks4a+tls",
    Scheme.SOCKS5: "socks5+tls",
    Scheme.SOCKS5H: "socks5h+tls",
}
"""How it is written where it is spoken over TLS."""

KINDS = {str(scheme): (scheme, False) for scheme in Scheme} | {
    kind: (scheme, True) for scheme, kind in TLS_KINDS.items()
}
"""What may stand before ://, what is spoken then, and whether over TLS."""

DEFAULT_PORTS = {
    "socks4": 1080,
    "socks4a": 1080,
    "socks4a+tls": 1080,
    "socks5": 1080,
    "socks5+tls": 1080,
    "socks5h": 1080,
    "socks5h+tls": 1080,
    "http": 8080,
    "https": 443,
    "ssh": 0,
}
"""0 is for one that we need not know."""
