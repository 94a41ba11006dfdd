"""The names of /etc/hosts, which are neither faked nor asked of a proxy.

Takes the file's text, opens nothing; the format is hosts(5).
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

from proxywrap.address import normalise_name

__all__ = ["HostsTable", "parse_hosts"]


class HostsTable:
    """Names and their addresses, in the order of the file."""

    def __init__(self) -> None:
        self._addresses: dict[str, list[IPv4Address | IPv6Address]] = {}
        self._names: dict[IPv4Address | IPv6Address, str] = {}
        self._canonical: dict[str, str] = {}

    def add(self, address: IPv4Address | IPv6Address, name: str, canonical: str) -> None:
        """Add one pair; `canonical` is the first name of the line that it stands in."""
        self._canonical.setdefault(name, canonical)
        known = self._addresses.setdefault(name, [])
        if address not in known:
            known.append(address)
        self._names.setdefault(address, name)

    def addresses(self, name: str) -> tuple[IPv4Address | IPv6Address, ...]:
        """Return the addresses of `name` in any case, none where it is not in the file."""
        try:
            return tuple(self._addresses.get(normalise_name(name), ()))
        except ValueError:
            return ()

    def canonical_name(self, name: str) -> str | None:
        """Return the first name of the first line that has `name`, in any case; None where none has."""
        try:
            return self._canonical.get(normalise_name(name))
        except ValueError:
            return None

    def name_of(self, address: IPv4Address | IPv6Address) -> str | None:
        """Return the first name of `address`, None where it is not in the file."""
        return self._names.get(address)


def parse_hosts(text: str) -> HostsTable:
    """Return the table that `text` spells.

    A line or a name that cannot be read is passed over, as libc does.
    """
    table = HostsTable()
    for line in text.split("\n"):
        spelt, *names = line.partition("#")[0].split() or [""]
        try:
            address = ip_address(spelt)
        except ValueError:
            continue
        canonical = ""
        for name in names:
            try:
                normal = normalise_name(name)
            except ValueError:
                continue
            canonical = canonical or name.removesuffix(".")
            table.add(address, normal, canonical)
    return table
