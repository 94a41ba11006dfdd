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

from proxywrap.address import Host
from proxywrap.errors import ProxyUnreachable
from proxywrap.net.eyeballs import race

__all__ = ["HopNames"]

Address = IPv4Address | IPv6Address

VALID_S = 30.0
"""How long an answer counts, for libc does not tell its TTL: what dnsmasq and browsers take for short."""


class HopNames:
    """What first hops are called, shared by all attempts of one event loop.

    Args:
        version: of IP, by which alone they are reached; None for either.

    """

    def __init__(self, version: int | None = None) -> None:
        self._version = version
        self._asked: dict[str, asyncio.Future[Sequence[Address]]] = {}
        self._best: dict[tuple[tuple[Address, ...], int], Address] = {}

    async def addresses(self, host: Host) -> Sequence[Address]:
        """Return the addresses of a first hop, best first, as libc orders them; one at least.

        Raises:
            ProxyUnreachable: its name cannot be resolved, or there is none of the wanted kind.

        """
        found = await self.look_up(host) if isinstance(host, str) else [host]
        fitting = [each for each in found if self._version in {None, each.version}]
        if not fitting:
            reason = f"has no IPv{self._version} address: leave out -{self._version}"
            raise ProxyUnreachable(reason, errno=errno.ENETUNREACH)
        return fitting

    async def ranked(self, addresses: Sequence[Address], port: int) -> Sequence[Address]:
        """Return the addresses of one hop, that first which answers first, as far as that is known.

        Raises:
            OSError: none can be connected to.

        """
        if len(addresses) == 1:
            return addresses
        key = tuple(addresses), port
        best = self._best.get(key)
        if best is None:
            best = self._best[key] = await race(addresses, port)
            asyncio.get_running_loop().call_later(VALID_S, self._best.pop, key, None)
        return [best, *(each for each in addresses if each != best)]

    def is_asking(self, host: Host) -> bool:
        """Tell whether the resolver has not answered yet."""
        asked = self._asked.get(host) if isinstance(host, str) else None
        return asked is not None and not asked.done()

    async def look_up(self, name: str) -> Sequence[Address]:
        """Return the addresses of a name, best first, as libc orders them.

        Raises:
            ProxyUnreachable: it cannot be resolved.

        """
        asked = self._asked.get(name)
        if asked is None:
            try:
                asked = self._ask(name)
            except RuntimeError as exc:
                reason = f"its name cannot be resolved: {exc}: raise the limit of threads (ulimit -u)"
                raise ProxyUnreachable(reason, errno=errno.EAGAIN) from exc
        try:
            # Others may wait for the same answer: who gives up does so alone.
            return await asyncio.shield(asked)
        except (socket.gaierror, UnicodeError) as exc:
            reason = (
                f"its name cannot be resolved: {getattr(exc, 'strerror', None) or exc}: is it spelt right?"
            )
            raise ProxyUnreachable(reason, errno=errno.EHOSTUNREACH) from exc

    def _ask(self, name: str) -> asyncio.Future[Sequence[Address]]:
        loop = asyncio.get_running_loop()
        self._asked[name] = asked = loop.run_in_executor(None, partial(_resolve, name))

        def keep(answer: asyncio.Future[Sequence[Address]]) -> None:
            has_failed = answer.cancelled() or answer.exception() is not None
            loop.call_later(0 if has_failed else VALID_S, self._asked.pop, name)

        asked.add_done_callback(keep)
        return asked


def _resolve(name: str) -> Sequence[Address]:
    found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return [ip_address(str(sockaddr[0])) for *_, sockaddr in found]
