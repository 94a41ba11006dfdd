"""The configuration as values: what to dial, in which order, and what stays direct.

Knows nothing of files or of their grammar; `proxywrap.parser` makes these.
Options carry proxychains-ng's names, so that a reader of its manual finds them.
The smallest are named tuples, for a frozen dataclass takes five times as long
to define, and every wrapped command waits for that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from proxywrap.address import Endpoint, unmapped
from proxywrap.engines import Engine
from proxywrap.origin import Origin, Stamp
from proxywrap.uri import ProxyURI

if TYPE_CHECKING:
    from proxywrap.rules import NameRule, Rule  # which most files have none of

__all__ = [
    "PROXY_LIST_NAME",
    "ChainType",
    "Config",
    "Dnat",
    "LocalNet",
    "NamedChain",
    "NamedServerDns",
    "Options",
    "Origin",
    "ProxyEntry",
]

PROXY_LIST_NAME = "ProxyList"
"""What rules and `-c` call the proxies below [ProxyList]."""

DEFAULT_FAKE_NETWORK_V4 = IPv4Network("198.18.0.0/15")
"""The benchmark range of RFC 2544: no real host has it, and no program treats it specially."""

DEFAULT_FAKE_NETWORK_V6 = IPv6Network("fd70:726f:7879:7772::/64")
"""A unique local range (RFC 4193) of our own, for programs that ask for IPv6 alone."""


class ChainType(StrEnum):
    """How the proxies of a list make a chain; each value is its keyword."""

    STRICT = "strict_chain"
    DYNAMIC = "dynamic_chain"
    RANDOM = "random_chain"
    ROUND_ROBIN = "round_robin_chain"


class NamedServerDns(StrEnum):
    """Who answers a program for the addresses of names that asks a name server of its own choice by UDP."""

    PROXY = "proxy"
    FAKE = "fake"


class ProxyEntry(NamedTuple):
    """One proxy of the list and where it was written."""

    uri: ProxyURI
    origin: Origin


class NamedChain(NamedTuple):
    """A section `[chain NAME]`: its proxies, and how they make a chain."""

    name: str
    kind: ChainType
    length: int
    proxies: tuple[ProxyEntry, ...]
    origin: Origin


class LocalNet(NamedTuple):
    """Destinations that are reached directly; `port` None means every port."""

    network: IPv4Network | IPv6Network
    port: int | None = None

    def __str__(self) -> str:
        """Return the value as `localnet` takes it."""
        address, _, prefix = str(self.network).partition("/")
        if self.port is None:
            return f"{address}/{prefix}"
        if isinstance(self.network, IPv6Network):
            return f"[{address}]:{self.port}/{prefix}"
        return f"{address}:{self.port}/{prefix}"


class Dnat(NamedTuple):
    """A destination that another one replaces.

    `port` None matches every port, `new_port` None keeps the port asked for.
    """

    address: IPv4Address
    port: int | None
    new_address: IPv4Address
    new_port: int | None

    def __str__(self) -> str:
        """Return the two values as `dnat` takes them."""
        old = str(self.address) if self.port is None else f"{self.address}:{self.port}"
        new = str(self.new_address) if self.new_port is None else f"{self.new_address}:{self.new_port}"
        return f"{old} {new}"


@dataclass(frozen=True, slots=True)
class Options:
    """Everything but the proxies; the defaults are those of a file that says nothing.

    `tcp_read_time_out_ms` bounds each answer of a hop,
    `tcp_connect_time_out_ms` the connection to the first one.
    """

    chain_type: ChainType = ChainType.STRICT
    chain_len: int = 1
    tcp_read_time_out_ms: int = 4000
    tcp_connect_time_out_ms: int = 10000
    quiet_mode: bool = False
    fake_network_v4: IPv4Network = DEFAULT_FAKE_NETWORK_V4
    fake_network_v6: IPv6Network = DEFAULT_FAKE_NETWORK_V6
    localnets: tuple[LocalNet, ...] = ()
    dnats: tuple[Dnat, ...] = ()
    proxy_loopback: bool = False
    dns_to_named_servers: NamedServerDns = NamedServerDns.PROXY
    allow_unwrapped: tuple[str, ...] = ()
    engine: Engine = Engine.AUTO
    keeps_proxy_environment: bool = False

    def is_localnet(self, address: IPv4Address | IPv6Address, port: int) -> bool:
        """Tell whether a `localnet` line sends this destination directly.

        Ask with the destination that `dnat` returned, and never for a fake
        address: `localnet` says nothing about names.
        """
        plain = unmapped(address)
        return any(
            plain.version == net.network.version and plain in net.network and net.port in {None, port}
            for net in self.localnets
        )

    def has_local(self, address: IPv4Address | IPv6Address) -> bool:
        """Tell whether a `localnet` line sends an address directly, on any port."""
        plain = unmapped(address)
        return any(plain.version == net.network.version and plain in net.network for net in self.localnets)

    def dnat(self, destination: Endpoint) -> Endpoint:
        """Return the destination that a `dnat` line puts in the place of this one.

        A line with a port is preferred to one without, the first of several
        to the next. Names and IPv6 destinations are returned as they came.
        """
        if isinstance(destination.host, str):
            return destination
        address = unmapped(destination.host)
        for wanted_port in (destination.port, None):
            for rule in self.dnats:
                if rule.address == address and rule.port == wanted_port:
                    new_port = destination.port if rule.new_port is None else rule.new_port
                    return Endpoint(rule.new_address, new_port)
        return destination

    def may_run_unwrapped(self, path: str) -> bool:
        """Tell whether an `allow_unwrapped` pattern matches a program's path or its last part."""
        name = path.rpartition("/")[2]
        return any(fnmatchcase(path, glob) or fnmatchcase(name, glob) for glob in self.allow_unwrapped)

    def lines(self) -> Iterator[str]:
        """Yield the options as the lines of a file, in the parser's order."""
        yield str(self.chain_type)
        if self.chain_type in {ChainType.RANDOM, ChainType.ROUND_ROBIN}:
            yield f"chain_len = {self.chain_len}"
        yield f"tcp_read_time_out {self.tcp_read_time_out_ms}"
        yield f"tcp_connect_time_out {self.tcp_connect_time_out_ms}"
        if self.quiet_mode:
            yield "quiet_mode"
        if self.fake_network_v4 != DEFAULT_FAKE_NETWORK_V4:
            yield f"remote_dns_subnet {self.fake_network_v4.network_address.packed[0]}"
        yield from (f"localnet {net}" for net in self.localnets)
        yield from (f"dnat {rule}" for rule in self.dnats)
        if self.proxy_loopback:
            yield "proxy_loopback"
        if self.dns_to_named_servers is not NamedServerDns.PROXY:
            yield f"dns_to_named_servers {self.dns_to_named_servers}"
        yield from (f"allow_unwrapped {glob}" for glob in self.allow_unwrapped)
        if self.engine is not Engine.AUTO:
            yield f"engine {self.engine}"
        if self.keeps_proxy_environment:
            yield "proxy_environment keep"


@dataclass(frozen=True, slots=True)
class Config:
    """A whole configuration.

    `source` says where it was found. `origins` maps a line as `Options.lines`
    gives it to the place where it was written; a default is not in it.
    `notes` are remarks of the parser, for `-v`; `warnings` are for everybody.
    `chains` are those with a name, `chain` is the one that is used where no
    rule says otherwise. `name_rules` tell who looks names up, the first one that matches.
    `ip_version` is the one by which first proxies are reached, None for either.
    `stamp` is of the file, None where there is none that can be read anew.
    `is_for_proxychains` tells that the file was written for proxychains-ng, and is read as it reads it.
    `directory` is the current one when it was read, to which its other files are relative.
    """

    options: Options
    proxies: tuple[ProxyEntry, ...]
    source: str
    origins: Mapping[str, Origin] = field(default_factory=lambda: MappingProxyType({}), hash=False)
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    chains: tuple[NamedChain, ...] = ()
    rules: tuple[Rule, ...] = ()
    name_rules: tuple[NameRule, ...] = ()
    chain: str = PROXY_LIST_NAME
    ip_version: int | None = None
    stamp: Stamp | None = None
    directory: str = "/"
    is_for_proxychains: bool = False

    @property
    def file(self) -> str | None:
        """The file that it was read from, None where it was no file."""
        return self.source if any(entry.origin.line is not None for entry in self.proxies) else None

    def with_chain(self, name: str) -> Config:
        """Return the same but for the chain that is used where no rule says otherwise.

        Raises:
            ValueError: there is none of that name.

        """
        known = [PROXY_LIST_NAME, *(chain.name for chain in self.chains)]
        if name not in known:
            raise ValueError(f"expected one of the chains {', '.join(known)}, found {name!r}")
        return replace(self, chain=name)

    def with_ip_version(self, version: int) -> Config:
        """Return the same but for how first proxies are reached."""
        return replace(self, ip_version=version)

    def with_engine(self, name: str) -> Config:
        """Return the same but for the engine."""
        return replace(self, options=replace(self.options, engine=Engine(name)))

    @property
    def hops(self) -> tuple[ProxyURI, ...]:
        """The proxies in the order in which they were written."""
        return tuple(entry.uri for entry in self.proxies)

    @property
    def passwords(self) -> Iterator[bytes | None]:
        """The passwords of all chains' proxies."""
        for entries in (self.proxies, *(chain.proxies for chain in self.chains)):
            yield from (entry.uri.password for entry in entries)

    @property
    def told_origins(self) -> Mapping[ProxyURI, Origin]:
        """Where the proxies are written that failures name with their line.

        None but those of a file for proxychains-ng, which the user may have found rather than written.
        """
        origins: dict[ProxyURI, Origin] = {}
        if self.is_for_proxychains:
            for entries in (self.proxies, *(chain.proxies for chain in self.chains)):
                for entry in entries:
                    origins.setdefault(entry.uri, entry.origin)
        return origins

    @property
    def all_hops(self) -> frozenset[ProxyURI]:
        """The proxies of all chains."""
        lists = (self.proxies, *(chain.proxies for chain in self.chains))
        return frozenset(entry.uri for entries in lists for entry in entries)

    def lines(self) -> Iterator[tuple[str, Origin | None]]:
        """Yield each line of the effective configuration and its origin, None for a default.

        Credentials are masked.
        """
        for line in self.options.lines():
            yield line, self.origins.get(line)
        yield "[ProxyList]", None
        for entry in self.proxies:
            yield entry.uri.line, entry.origin
        for chain in self.chains:
            yield f"[chain {chain.name}]", chain.origin
            yield str(chain.kind), chain.origin
            if chain.kind in {ChainType.RANDOM, ChainType.ROUND_ROBIN}:
                yield f"chain_len = {chain.length}", chain.origin
            for entry in chain.proxies:
                yield entry.uri.line, entry.origin
        if self.rules or self.name_rules:
            yield "[rules]", None
        for name_rule in self.name_rules:
            yield str(name_rule), name_rule.origin
        for rule in self.rules:
            yield str(rule), rule.origin
