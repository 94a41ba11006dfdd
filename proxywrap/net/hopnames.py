"""The addresses of a first hop that is given by name.

Its name is the only one that is looked up here: there is no proxy yet that
could. It is asked for once in a while, not once for every connection.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Sequence
from functools import partial
from ipaddress import IPv4Address, IPv6Address, ip_address

from proxywrap.errors import ProxyUnreachable

__all__ = ["HopNames"]

VALID_S = 30.0
"""How long an answer counts, for libc does not tell its TTL: what dnsmasq and browsers take for short."""


class HopNames:
    """What first hops are called, shared by all attempts of one event loop."""

    def __init__(self) -> None:
        self._asked: dict[str, asyncio.Future[Sequence[IPv4Address | IPv6Address]]] = {}

    async def addresses(self, name: str) -> Sequence[IPv4Address | IPv6Address]:
        """Return the addresses of `name`, best first, as libc orders them.

        Raises:
            ProxyUnreachable: it cannot be resolved.

        """
        asked = self._asked.get(name)
        if asked is None:
            asked = self._ask(name)
        try:
            # Others may wait for the same answer: who gives up does so alone.
            return await asyncio.shield(asked)
        except (socket.gaierror, UnicodeError) as exc:
            reason = (
                f"its name cannot be resolved: {getattr(exc, 'strerror', None) or exc}: is it spelt right?"
            )
            raise ProxyUnreachable(reason, errno=errno.EHOSTUNREACH) from exc

    def _ask(self, name: str) -> asyncio.Future[Sequence[IPv4Address | IPv6Address]]:
        loop = asyncio.get_running_loop()
        self._asked[name] = asked = loop.run_in_executor(None, partial(_look_up, name))

        def keep(answer: asyncio.Future[Sequence[IPv4Address | IPv6Address]]) -> None:
            has_failed = answer.cancelled() or answer.exception() is not None
            loop.call_later(0 if has_failed else VALID_S, self._asked.pop, name)

        asked.add_done_callback(keep)
        return asked


def _look_up(name: str) -> Sequence[IPv4Address | IPv6Address]:
    found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return [ip_address(str(sockaddr[0])) for *_, sockaddr in found]
