"""Where a request goes: names to fake addresses and back, destinations to routes.

The only place where configuration decides about a request; pure but for the
fake pool, which remembers.
"""

from __future__ import annotations

import errno
import socket
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, NamedTuple

from proxywrap.address import DNS_OVER_TLS_PORT, DNS_PORT, Endpoint, normalise_name, unmapped
from proxywrap.chains import Chain, chains_of
from proxywrap.config import Config, NamedServerDns
from proxywrap.engines import runs_filtered
from proxywrap.errors import ProxywrapError
from proxywrap.hosts import HostsTable
from proxywrap.names import NamePool, TrueNames
from proxywrap.origin import Origin
from proxywrap.protocol.wire import Target
from proxywrap.remotenames import ends_in_tor
from proxywrap.uri import ProxyURI

if TYPE_CHECKING:
    from proxywrap.rules import Programs, RuleSet

__all__ = ["Route", "Router", "Unroutable", "is_of"]

Address = IPv4Address | IPv6Address

LOOPBACK = (IPv4Address("127.0.0.1"), IPv6Address("::1"))
LOOPBACK_NAMES = frozenset({"localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback"})


class Unroutable(ProxywrapError):
    """A destination that must not be dialled; `errno` says why.

    `destination` is what it is called, where that is known to be a name.
    """

    def __init__(self, reason: str, *, errno: int, destination: Endpoint | None = None) -> None:
        super().__init__(reason)
        self.errno = errno
        self.destination = destination


class Route(NamedTuple):
    """A destination and the chain that leads there; none: directly.

    `is_dns` where it is a name server, in whose place the helper itself answers.
    `resolves_here` where a name is to be looked up by this host's own resolver.
    """

    destination: Endpoint
    chain: Chain | None
    is_dns: bool = False
    resolves_here: bool = False

    @property
    def is_direct(self) -> bool:
        """Whether the destination itself is connected to."""
        return self.chain is None and not self.is_dns

    @property
    def hops(self) -> tuple[ProxyURI, ...]:
        """The proxies of the chain, of which there may be more than a connection goes through."""
        return () if self.chain is None else self.chain.hops


class Router:
    """Decides for all wrapped processes, so that they share their names.

    Args:
        config: what the user wants.
        hosts: the names of /etc/hosts, which stay local.
        own_names: the names of this host.

    `file` is where the configuration stands, None where that is no file; `default` is the chain
    that is taken where nothing says otherwise.

    """

    def __init__(self, config: Config, hosts: HostsTable, own_names: frozenset[str]) -> None:
        self.adopt(config)
        self._hosts = hosts
        self._own_names = own_names
        self._pool = NamePool(self._options.fake_network_v4, self._options.fake_network_v6)
        self._true_names = TrueNames()

    def adopt(self, config: Config) -> None:
        """Decide by another configuration from now on; names and their fake addresses stay."""
        chains, rules = chains_of(config), _rule_set(config)
        default = chains[config.chain]
        # Nothing fails from here on, so that there is never half of each.
        self.file = config.file
        self._origins = config.told_origins
        self._options = config.options
        self._chains = chains
        self.default = default
        self._rules = rules
        self._name_rules = config.name_rules
        self._ends_in_tor = ends_in_tor(default.kind, default.hops)

    def origin(self, hop: ProxyURI | None) -> Origin | None:
        """Return where a proxy is written, None where the user need not be told."""
        return None if hop is None else self._origins.get(hop)

    def route(self, address: Address, port: int, programs: Programs = tuple) -> Route:
        """Return the way to what the application called `address`.

        Args:
            address: as the application spelled it.
            port: likewise.
            programs: gives the paths and names of the program.

        Raises:
            Unroutable: a fake address that stands for no name, name
                resolution that would not reach the proxy, or what a rule blocks.

        """
        if self._pool.is_fake(address):
            name = self._pool.name_of(address)
            if name is None:
                reason = f"{address} is a fake address that stands for no name"
                raise Unroutable(reason, errno=errno.EHOSTUNREACH)
            return self._by_rules(Endpoint(name, port), programs, self.default)
        true_name = self._true_names.name_of(address)
        if true_name is not None:
            return self._by_rules(Endpoint(true_name, port), programs, self.default)
        destination = self._options.dnat(Endpoint(address, port))
        assert not isinstance(destination.host, str)  # noqa: S101 - dnat maps addresses
        if _is_loopback(destination.host) and not self._options.proxy_loopback:
            if destination.port == DNS_OVER_TLS_PORT:
                raise Unroutable("a local name server is not the proxy's", errno=errno.ECONNREFUSED)
            if destination.port == DNS_PORT:
                return Route(destination, None, is_dns=True)
            return self._by_rules(destination, programs, None, is_loopback=True)
        is_local = self._options.is_localnet(destination.host, destination.port)
        return self._by_rules(destination, programs, None if is_local else self.default)

    def _by_rules(
        self, destination: Endpoint, programs: Programs, default: Chain | None, *, is_loopback: bool = False
    ) -> Route:
        """Return the way that the rules say, which about loopback must name it."""
        host = destination.host
        plain = host if isinstance(host, str) else unmapped(host)
        if self._rules is not None:
            rule = self._rules.find(plain, destination.port, programs, only_networks=is_loopback)
            if rule is not None and rule.action.value == "block":
                reason = f"blocked by the rule of {rule.origin}"
                raise Unroutable(reason, errno=errno.EACCES, destination=destination)
            if rule is not None:
                default = self._chains[rule.chain] if rule.chain else None
        resolves_here = isinstance(host, str) and (default is None or self._is_asked_for(host) is False)
        # Directly, an address keeps its form: the socket is of that family.
        return Route(
            Endpoint(host if default is None else plain, destination.port),
            default,
            resolves_here=resolves_here,
        )

    def resolve(self, name: str, family: int) -> tuple[tuple[Address, ...], bool]:
        """Return the addresses of `name` and whether one of them is fake.

        Args:
            name: as the application spelled it.
            family: AF_INET, AF_INET6 or AF_UNSPEC.

        Raises:
            ValueError: not a possible name.
            PoolFull: no fake address is left.

        """
        normal = _host_name(name)
        local = self._local_addresses(normal)
        if local:
            return tuple(each for each in local if is_of(each, family)), False
        return (self._pool.address_for(normal, 6 if family == socket.AF_INET6 else 4),), True

    # -- what the last proxy is asked about ----------------------------------------

    def _is_asked_for(self, name: str) -> bool | None:
        """Tell what the rules say of a name: True, the last proxy, False, this host looks it up."""
        return next((rule.is_remote for rule in self._name_rules if rule.matches(name)), None)

    def name_to_ask(self, name: str) -> str | None:
        """Return the name, in its normal form, whose addresses are the last proxy's to find.

        Those of Tor's own services have none.

        Raises:
            ValueError: not a possible name.

        """
        if not self._name_rules:
            return None
        normal = _host_name(name)
        if normal.rpartition(".")[2] == "onion" or self._local_addresses(normal):
            return None
        return normal if self._is_asked_for(normal) else None

    def address_to_ask(self, address: Address) -> Address | None:
        """Return the address, in its normal form, whose name is the last proxy's to find.

        Those of networks that nobody else knows are nobody else's business.
        """
        if not self._ends_in_tor:
            return None
        plain = unmapped(address)
        is_public = plain.is_global and not plain.is_multicast
        is_known = self._pool.is_fake(plain) or self.reverse(plain) is not None
        if not is_public or is_known or self._options.has_local(plain):
            return None
        return plain

    def note_address(self, name: str, address: Address) -> bool:
        """Remember the address that the last proxy has found for a name; return whether it is of use.

        One that would not lead through the chain is not: who has found it could lead programs
        to this host, or its network.
        """
        plain = unmapped(address)
        leads_elsewhere = _is_loopback(plain) or plain.is_link_local or plain.is_multicast
        if leads_elsewhere or self._pool.is_fake(plain) or self._options.has_local(plain):
            return False
        self._true_names.note(name, plain)
        return True

    def is_remote(self, name: str) -> bool:
        """Tell whether `name` is not known here, so that a fake address stands for it.

        Raises:
            ValueError: not a possible name.

        """
        return not self._local_addresses(_host_name(name))

    def has_fake_v4(self, name: str) -> bool:
        """Tell whether a possible name has an IPv4 address of the pool already."""
        return self._pool.has_address(_host_name(name), 4)

    def _local_addresses(self, name: str) -> tuple[Address, ...]:
        known = self._hosts.addresses(name)
        if name in LOOPBACK_NAMES or name.endswith(".localhost"):
            return known or LOOPBACK
        if known or name not in self._own_names:
            return known
        return LOOPBACK

    def canonical_name(self, name: str) -> str | None:
        """Return what /etc/hosts calls `name` first, None where it does not have it."""
        return self._hosts.canonical_name(name)

    def reverse(self, address: Address) -> str | None:
        """Return the name of a fake address or of one in /etc/hosts."""
        return self._pool.name_of(address) or self._hosts.name_of(unmapped(address))

    def asked_name(self, address: Address) -> str | None:
        """Return the name that a program has asked for to get an address, None where it has not."""
        return self._pool.name_of(address) or self._true_names.name_of(address)

    def runs_filtered(self, target: Target) -> bool:
        """Tell whether a program that the shim cannot be loaded into is to run under a filter."""
        return runs_filtered(self._options.engine, target)

    @property
    def asks_named_servers(self) -> bool:
        """Whether name servers that a program names are asked for addresses, too."""
        return self._options.dns_to_named_servers is NamedServerDns.PROXY

    @property
    def filters_all(self) -> bool:
        """Whether every program is under a filter, which it cannot put off."""
        return self._options.engine.filters_all

    def may_run_unwrapped(self, path: str) -> bool:
        """Tell whether an `allow_unwrapped` pattern matches a path or its last part."""
        return self._options.may_run_unwrapped(path)


def _rule_set(config: Config) -> RuleSet | None:
    if not config.rules:
        return None
    from proxywrap.rules import RuleSet  # noqa: PLC0415 - most configurations have no rules

    return RuleSet(config.rules)


def _host_name(name: str) -> str:
    normal = normalise_name(name)
    if normal.rpartition(".")[2].isdecimal():
        raise ValueError(f"expected a host name, found what looks like an address: {name!r}")
    return normal


def _is_loopback(address: Address) -> bool:
    """As a destination, the "any" address is this host too."""
    plain = unmapped(address)
    return plain.is_loopback or plain.is_unspecified


def is_of(address: Address, family: int) -> bool:
    """Tell whether an address is of AF_INET or AF_INET6; it is of AF_UNSPEC in any case."""
    match family:
        case socket.AF_INET:
            return address.version == 4
        case socket.AF_INET6:
            return address.version == 6
        case _:
            return True
