"""Variables by which programs find a proxy of their own, such as `http_proxy` and `ALL_PROXY`.

A program that heeds one connects to that proxy and asks it for everything.
Where the proxy is reached directly, nothing goes through the chain, so the
variable is not for COMMAND.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator, MutableMapping
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

from proxywrap.address import Endpoint, parse_host, parse_port
from proxywrap.config import Config
from proxywrap.helper.ownhost import router_here
from proxywrap.helper.router import Router, Unroutable
from proxywrap.masking import masked

__all__ = ["take_direct_proxies"]

_NAMES = re.compile(
    r"(?!(?:.*[_-])?no_?proxy$)(?:.*[_-])?(?:https?|ftp|all|socks[45]?|rsync|wss?)?proxy|socks[45]?_server",
    re.IGNORECASE,
)
"""Of curl and most others; npm_config_https_proxy, PIP_PROXY, CARGO_HTTP_PROXY and the like end so too."""

_GIT_KEY = re.compile(r"GIT_CONFIG_KEY_([0-9]+)")

_GIT_PROXY = re.compile(r"(?:https?|remote)\.(?:.*\.)?proxy", re.IGNORECASE)

_VALUE = re.compile(
    r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://)?(?:.*@)?"
    r"(?P<host>\[[^\]]+\]|[^:/@\[\]]*)(?::(?P<port>[0-9]+))?(?P<path>/.*)?"
)

_PORTS = {"http": 80, "https": 443}

_OTHER_PORT = 1080  # as curl has it


class Proxy(NamedTuple):
    """A variable, the proxy that it names, None where that is a Unix socket, and what takes it out."""

    variable: str
    place: Endpoint | None
    replacement: str | None


def take_direct_proxies(environ: MutableMapping[str, str], config: Config) -> Iterator[str]:
    """Take out each variable whose proxy would be reached directly; yield a line about each.

    One that names the only proxy of the chain stays, for it is the chain by
    another name; so does one whose proxy is reached through the chain, and
    one that cannot be understood.

    Args:
        environ: is changed.
        config: by which COMMAND's connections will go.

    """
    router = router_here(config)
    for proxy in list(_proxies(environ)):
        if proxy.place is not None and not _passes_chain(router, proxy.place):
            continue
        value = masked(environ[proxy.variable])
        yield (
            f"{proxy.variable} is not passed on: {value} would be connected to directly, past the chain; "
            "--keep-proxy-env passes it on"
        )
        if proxy.replacement is None:
            del environ[proxy.variable]
        else:
            environ[proxy.variable] = proxy.replacement


def _proxies(environ: MutableMapping[str, str]) -> Iterator[Proxy]:
    for name, value in environ.items():
        key = _GIT_KEY.fullmatch(name)
        if key is not None and _GIT_PROXY.fullmatch(value):
            # git counts these variables; an empty http.proxy is none at all.
            yield from _proxy(f"GIT_CONFIG_VALUE_{key[1]}", environ.get(f"GIT_CONFIG_VALUE_{key[1]}", ""), "")
        elif _NAMES.fullmatch(name):
            yield from _proxy(name, value, None)


def _proxy(variable: str, value: str, replacement: str | None) -> Iterator[Proxy]:
    match = _VALUE.fullmatch(value.strip())
    if match is None or not value.strip():
        return
    scheme, path = (match["scheme"] or "http").lower(), (match["path"] or "").rstrip("/")
    if path and match["host"] in {"", "localhost"}:
        yield Proxy(variable, None, replacement)  # curl's socks5://localhost/PATH, and unix:///PATH
        return
    try:
        host = parse_host(match["host"])
        port = parse_port(match["port"]) if match["port"] else _PORTS.get(scheme, _OTHER_PORT)
    except ValueError:
        return
    yield Proxy(variable, Endpoint(host, port), replacement)


def _passes_chain(router: Router, place: Endpoint) -> bool:
    """Tell whether a proxy is reached without the chain, and is not all of it."""
    try:
        addresses = _addresses(router, place)
        direct = [router.route(address, place.port).is_direct for address in addresses]
    except (Unroutable, ValueError, OSError):
        return False  # it cannot be connected to at all
    return any(direct) and not _is_whole_chain(router, place)


def _addresses(router: Router, place: Endpoint) -> tuple[IPv4Address | IPv6Address, ...]:
    if isinstance(place.host, str):
        return router.resolve(place.host, socket.AF_UNSPEC)[0]
    return (place.host,)


def _is_whole_chain(router: Router, place: Endpoint) -> bool:
    hops = router.default.hops
    if len(hops) != 1 or hops[0].path is not None or hops[0].port != place.port:
        return False
    return bool(set(_addresses(router, hops[0].endpoint)) & set(_addresses(router, place)))
