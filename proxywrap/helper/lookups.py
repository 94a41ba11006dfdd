"""The addresses that DNS questions get: every possible name exists, and has addresses of one family."""

from __future__ import annotations

import socket
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, NamedTuple

from proxywrap.address import Host
from proxywrap.events import Blocked, Resolved
from proxywrap.helper.farnames import FarNames
from proxywrap.helper.router import Router, is_of

if TYPE_CHECKING:
    from proxywrap.protocol.torlookup import Answer  # for chains that end in a Tor, which few do

__all__ = [
    "NEGATIVE_TTL_S",
    "PAYLOAD_BYTES",
    "SOA_NAMES",
    "SOA_TIMES",
    "TTL_S",
    "Address",
    "Asked",
    "Later",
    "Lookups",
    "Unanswered",
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


class Asked(NamedTuple):
    """A question that is not answered yet: the last proxy is to be asked about the name or the address."""

    question: Host


class Unanswered(Exception):
    """The last proxy could not be asked."""


class Lookups:
    """Looks names up; one that was never heard of takes a fake address.

    Args:
        router: knows the names.
        report: is told of every name that got an address.
        far: knows what the last proxy has found.

    """

    def __init__(
        self, router: Router, report: Callable[[Resolved | Blocked], None], far: FarNames | None = None
    ) -> None:
        self._router = router
        self._report = report
        self._far = far

    def addresses(
        self, name: str, family: int | None, pid: int, *, has_waited: bool
    ) -> tuple[Address, ...] | Later | Asked:
        """Return the addresses of a name, none where it has no data of that kind.

        One that is only in /etc/hosts has those; another has one address, of
        the family that was asked for first, or its true one.

        Args:
            name: as it was asked for.
            family: AF_INET or AF_INET6, None for what is no address.
            pid: who asks, 0 where nobody knows.
            has_waited: the question is to be answered now.

        Raises:
            ValueError: not a possible name, or one that nobody has.
            PoolFull: no fake address is left.
            Unanswered: it has waited in vain.

        """
        to_ask = self._router.name_to_ask(name)
        if to_ask is not None:
            return () if family is None else self._true_addresses(to_ask, family, has_waited=has_waited)
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

    def _true_addresses(self, name: str, family: int, *, has_waited: bool) -> tuple[Address, ...] | Asked:
        found = self._find(name, has_waited=has_waited)
        if isinstance(found, Asked):
            return found
        if found is None:
            raise ValueError(f"expected a name that somebody has, found {name!r}")
        assert not isinstance(found, str)  # noqa: S101 - a name has addresses
        return (found,) if is_of(found, family) else ()

    def name(self, address: Address, *, has_waited: bool) -> str | Asked | None:
        """Return the name of an address, None where nobody knows one.

        Args:
            address: it.
            has_waited: the question is to be answered now.

        Raises:
            Unanswered: it has waited in vain.

        """
        known = self._router.reverse(address)
        to_ask = None if known else self._router.address_to_ask(address)
        if to_ask is None:
            return known or ("localhost" if address.is_loopback else None)
        found = self._find(to_ask, has_waited=has_waited)
        assert found is None or isinstance(found, str | Asked)  # noqa: S101 - an address has a name
        return found

    def _find(self, question: Host, *, has_waited: bool) -> Answer | Asked:
        found = None if self._far is None else self._far.known(question)
        if found is not None:
            return found.answer
        if has_waited:
            raise Unanswered
        return Asked(question)
