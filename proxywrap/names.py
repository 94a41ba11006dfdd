"""Fake addresses: one for each name, the same in every run.

A name's place in the pool is drawn by a generator that the name seeds; where
another name has it, another free place is taken. So ssh's known_hosts see the
same address tomorrow. An address in use is never given to another name. Pure:
no clock, no I/O, and of randomness nothing (hash() would differ in each run).
hashlib would hash as well, but brings libcrypto, for which the first request
would wait 4 ms.
"""

from __future__ import annotations

import errno
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from math import gcd
from random import Random
from typing import Literal

from proxywrap.address import normalise_name, unmapped
from proxywrap.errors import ProxywrapError

__all__ = ["NamePool", "PoolFull", "TrueNames"]

MAX_NAMES = 1 << 20
"""The most names of each version, where the network is larger: some 200 MB in the helper."""


MAX_TRUE = 1 << 16
"""Addresses of names that were looked up: more than programs have in use at a time."""


class PoolFull(ProxywrapError):
    """Every fake address stands for a name already."""

    errno = errno.EAGAIN


class NamePool:
    """The fake addresses of one run, of both versions.

    Args:
        network_v4: the range for IPv4, at least a /30.
        network_v6: the range for IPv6.
        max_names: the most names of each version.

    """

    def __init__(
        self, network_v4: IPv4Network, network_v6: IPv6Network, *, max_names: int = MAX_NAMES
    ) -> None:
        self._v4 = _Slots(network_v4, max_names)
        self._v6 = _Slots(network_v6, max_names)

    def address_for(self, name: str, version: Literal[4, 6] = 4) -> IPv4Address | IPv6Address:
        """Return the address that stands for `name`, a new one for a new name.

        Raises:
            ValueError: not a possible name.
            PoolFull: a new name, and no address left.

        """
        normal = normalise_name(name)
        if version == 4:
            return IPv4Address(self._v4.number_for(normal))
        return IPv6Address(self._v6.number_for(normal))

    def name_of(self, address: IPv4Address | IPv6Address) -> str | None:
        """Return the name that `address` stands for, None if it stands for none.

        ::ffff:a.b.c.d stands for what a.b.c.d stands for.
        """
        plain = unmapped(address)
        slots = self._v4 if isinstance(plain, IPv4Address) else self._v6
        return slots.names.get(int(plain) - slots.base)

    def has_address(self, name: str, version: Literal[4, 6]) -> bool:
        """Tell whether an address stands for `name`, as `normalise_name` returns it, already."""
        slots = self._v4 if version == 4 else self._v6
        return name in slots.slots

    def is_fake(self, address: IPv4Address | IPv6Address) -> bool:
        """Tell whether `address` lies in the pool, whether or not it stands for a name."""
        plain = unmapped(address)
        slots = self._v4 if isinstance(plain, IPv4Address) else self._v6
        return 0 <= int(plain) - slots.base < slots.size


class TrueNames:
    """The names of addresses that are no fake ones, as far as each has one alone.

    Args:
        max_addresses: of those, the latest are remembered.

    """

    def __init__(self, max_addresses: int = MAX_TRUE) -> None:
        self._names: dict[tuple[int, int], str | None] = {}
        self._max_addresses = max_addresses

    def note(self, name: str, address: IPv4Address | IPv6Address) -> None:
        """Take note of an address of a name, as `normalise_name` returns it."""
        key = _key(address)
        known = self._names.pop(key, name)
        self._names[key] = name if known == name else None
        if len(self._names) > self._max_addresses:
            del self._names[next(iter(self._names))]

    def name_of(self, address: IPv4Address | IPv6Address) -> str | None:
        """Return the name that has an address, None where there is none, or more than one.

        ::ffff:a.b.c.d has the name of a.b.c.d.
        """
        return self._names.get(_key(address)) if self._names else None


def _key(address: IPv4Address | IPv6Address) -> tuple[int, int]:
    plain = unmapped(address)
    return plain.version, int(plain)


class _Slots:
    """The places of one network; the first and the last one stay empty.

    Places are integers: addresses as objects would take several times the memory.
    """

    def __init__(self, network: IPv4Network | IPv6Network, max_names: int) -> None:
        self.base = int(network.network_address)
        self.size = network.num_addresses
        self.names: dict[int, str] = {}
        self.slots: dict[str, int] = {}
        self._usable = self.size - 2
        self._capacity = min(self._usable, max_names)

    def number_for(self, name: str) -> int:
        """Return the address of `name` as a number; a new name takes a place."""
        slot = self.slots.get(name)
        if slot is None:
            slot = self._take(name)
        return self.base + slot

    def _take(self, name: str) -> int:
        if len(self.names) >= self._capacity:
            raise PoolFull(f"expected a free fake address for {name!r}, found all {self._capacity} in use")
        drawn = Random(name.encode("utf-8", "surrogateescape"))  # noqa: S311 - the name says it all
        slot = 1 + drawn.getrandbits(64) % self._usable
        # Each name has a stride of its own: with a common one, the last tenth of the range would
        # take hundreds of steps a name. Having no divisor in common, it visits every place.
        stride = 1 + drawn.getrandbits(64) % self._usable
        while gcd(stride, self._usable) != 1:
            stride += 1
        while slot in self.names:
            slot = 1 + (slot - 1 + stride) % self._usable
        self.names[slot] = name
        self.slots[name] = slot
        return slot
