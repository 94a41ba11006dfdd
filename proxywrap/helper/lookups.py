"""The addresses that DNS questions get: every possible name exists, and has addresses of one family."""

from __future__ import annotations

import socket
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

from proxywrap.events import Blocked, Resolved
from proxywrap.helper.router import Router

__all__ = [
    "NEGATIVE_TTL_S",
    "PAYLOAD_BYTES",
    "SOA_NAMES",
    "SOA_TIMES",
    "TTL_S",
    "Address",
    "Later",
    "Lookups",
]

Address = IPv4Address | IPv6Address

TTL_S = 60
"""An address stands for its name as long as the helper lives; programs may outlive it."""

NEGATIVE_TTL_S = 10
"""An address of the pool that stands for nothing now may do so soon."""

PAYLOAD_BYTES = 1232
"""What we say that we take by UDP: no answer comes near it."""

MAX_RECORDS = 8
"""Of a name in /etc/hosts; so any answer fits into 1232 bytes."""

SOA_NAMES = ("proxywrap.invalid", "nobody.invalid")
SOA_TIMES = (1, 3600, 600, 86400, NEGATIVE_TTL_S)
"""The root's SOA record: serial, refresh, retry, expire, minimum."""


class Later(NamedTuple):
    """An AAAA question that is not answered yet: one for A may follow for the same `name`."""

    name: str


class Lookups:
    """Looks names up; one that was never heard of takes a fake address.

    Args:
        router: knows the names.
        report: is told of every name that got an address.

    """

    def __init__(self, router: Router, report: Callable[[Resolved | Blocked], None]) -> None:
        self._router = router
        self._report = report

    def addresses(
        self, name: str, family: int | None, pid: int, *, has_waited: bool
    ) -> tuple[Address, ...] | Later:
        """Return the addresses of a name, none where it has no data of that kind.

        One that is only in /etc/hosts has those; another has one address, of
        the family that was asked for first.

        Args:
            name: as it was asked for.
            family: AF_INET or AF_INET6, None for what is no address.
            pid: who asks, 0 where nobody knows.
            has_waited: a question for IPv6 is to be answered now.

        Raises:
            ValueError: not a possible name.
            PoolFull: no fake address is left.

        """
        is_remote = self._router.is_remote(name)
        if family is None:
            return ()
        if is_remote and family == socket.AF_INET6:
            if self._router.has_fake_v4(name):
                return ()
            if not has_waited:
                return Later(name)
        addresses, _ = self._router.resolve(name, family)
        self._report(Resolved(pid, name, addresses, is_remote))
        return addresses[:MAX_RECORDS]
