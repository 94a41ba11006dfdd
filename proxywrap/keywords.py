"""The keywords of proxychains.conf, each with how its values are read.

A line means what it means to proxychains-ng 4.17, but that a value out of
range and anything after a value are errors.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network

from proxywrap.address import parse_port
from proxywrap.config import ChainType, Dnat, LocalNet, NamedServerDns, Options
from proxywrap.engines import Engine
from proxywrap.errors import ConfigError
from proxywrap.origin import Origin

__all__ = ["KEYWORDS", "OWN_OCTETS", "OptionLines"]

LOCALNET_SYNTAX = "ADDRESS[:PORT]/MASK"

MAX_MS = 2**31 - 1

MAX_CHAIN_LEN = 512
"""The most proxies that proxychains-ng takes."""

MAX_DIGITS = 10
"""Longer numbers are out of every range here, and int() refuses 4301 digits with words of its own."""

OWN_OCTETS = {0, 127}
"""0/8 is "this host" (RFC 1122, section 3.2.1.3), 127/8 is loopback: neither may mean a name."""

# Compiled by the first line that needs it: most files, and every -x, do without.
_CHAIN_LEN = r"= ?([0-9]{1,10})"

_LOCALNET = (
    r"(?:\[(?P<bracketed>[^\]]*)\]|(?P<v4>[^:/\[\]]*)|(?P<v6>[^/\[\]]*:[^/\[\]]*:[^/\[\]]*))"
    r"(?::(?P<port>[^:/]*))?/(?P<mask>[^/]+)"
)


class OptionLines:
    """The options that some lines of a file set.

    Args:
        source: name of the file, for errors.

    """

    def __init__(self, source: str) -> None:
        self.options = Options(chain_type=ChainType.DYNAMIC)  # where no line says otherwise
        self.origins: dict[str, Origin] = {}
        self.notes: list[str] = []
        self._source = source
        self._origin = Origin(source)
        self._chain_len_origin: Origin | None = None

    def read(self, keyword: str, values: list[str], origin: Origin) -> str:
        """Take in a line that begins with one of KEYWORDS; return it in its canonical form.

        Raises:
            ValueError: what was expected and what was found.

        """
        self._origin = origin
        line = KEYWORDS[keyword](self, keyword, values)
        self.origins[line] = origin
        return line

    def problems(self, count: int) -> Iterator[ConfigError]:
        """Yield what does not fit the number of proxies in the list."""
        has_length = self.options.chain_type in {ChainType.RANDOM, ChainType.ROUND_ROBIN}
        if has_length and self.options.chain_len > count and self._chain_len_origin is not None:
            yield ConfigError(
                f"expected a chain_len of at most {count}, the proxies, found {self.options.chain_len}",
                self._source,
                self._chain_len_origin.line,
            )

    def read_chain_type(self, keyword: str, values: list[str]) -> str:
        """Read one of the four chain kinds; return the line as `read`, as all below do."""
        _expect_no_value(keyword, values)
        self.options = replace(self.options, chain_type=ChainType(keyword))
        return keyword

    def read_chain_len(self, _keyword: str, values: list[str]) -> str:
        """Read `chain_len = N`."""
        match = re.fullmatch(_CHAIN_LEN, " ".join(values))
        if match is None or not 1 <= int(match[1]) <= MAX_CHAIN_LEN:
            found = " ".join(values) or "no value"
            raise ValueError(f"expected chain_len = NUMBER, from 1 to {MAX_CHAIN_LEN}, found {found!r}")
        self._chain_len_origin = self._origin
        self.options = replace(self.options, chain_len=int(match[1]))
        return f"chain_len = {self.options.chain_len}"

    def read_time_out(self, keyword: str, values: list[str]) -> str:
        """Read one of the two times, in milliseconds."""
        time_ms = _number(keyword, values, "milliseconds", 1, MAX_MS)
        if keyword == "tcp_read_time_out":
            self.options = replace(self.options, tcp_read_time_out_ms=time_ms)
        else:
            self.options = replace(self.options, tcp_connect_time_out_ms=time_ms)
        return f"{keyword} {time_ms}"

    def read_quiet_mode(self, keyword: str, values: list[str]) -> str:
        """Read `quiet_mode`."""
        _expect_no_value(keyword, values)
        self.options = replace(self.options, quiet_mode=True)
        return keyword

    def read_proxy_dns(self, keyword: str, values: list[str]) -> str:
        """Read `proxy_dns` or `proxy_dns_old`, which change nothing."""
        _expect_no_value(keyword, values)
        if keyword == "proxy_dns_old":
            self._note("proxy_dns_old: names are resolved by the last proxy, no other program is started")
        return keyword

    def read_proxy_dns_daemon(self, keyword: str, values: list[str]) -> str:
        """Read `proxy_dns_daemon`, which changes nothing."""
        place = _one_value(keyword, values, "IPV4:PORT")
        _parse_v4_endpoint(place, is_port_required=True)
        self._note("proxy_dns_daemon: names are resolved by the last proxy, the daemon is not asked")
        return f"{keyword} {place}"

    def read_remote_dns_subnet(self, keyword: str, values: list[str]) -> str:
        """Read the first octet of the fake addresses."""
        octet = _number(keyword, values, "a first octet", 0, 255)
        if octet in OWN_OCTETS:
            raise ValueError(f"expected a first octet that is not this host's own, found {octet}")
        self.options = replace(self.options, fake_network_v4=IPv4Network((octet << 24, 8)))
        return f"{keyword} {octet}"

    def read_localnet(self, keyword: str, values: list[str]) -> str:
        """Read a network that is reached directly."""
        net = _parse_localnet(_one_value(keyword, values, LOCALNET_SYNTAX))
        self.options = replace(self.options, localnets=(*self.options.localnets, net))
        return f"{keyword} {net}"

    def read_dnat(self, keyword: str, values: list[str]) -> str:
        """Read a destination and what replaces it."""
        if len(values) != 2:
            found = f"{len(values)} value{'' if len(values) == 1 else 's'}"
            raise ValueError(f"expected {keyword} IPV4[:PORT] IPV4[:PORT], found {found}")
        old, new = (_parse_v4_endpoint(value, is_port_required=False) for value in values)
        rule = Dnat(*old, *new)
        self.options = replace(self.options, dnats=(*self.options.dnats, rule))
        return f"{keyword} {rule}"

    def read_proxy_loopback(self, keyword: str, values: list[str]) -> str:
        """Read `proxy_loopback`."""
        _expect_no_value(keyword, values)
        self.options = replace(self.options, proxy_loopback=True)
        return keyword

    def read_dns_to_named_servers(self, keyword: str, values: list[str]) -> str:
        """Read who answers for a name server that a program names."""
        name = _one_value(keyword, values, "|".join(NamedServerDns))
        if name not in set(NamedServerDns):
            raise ValueError(f"expected {keyword} {'|'.join(NamedServerDns)}, found {name!r}")
        self.options = replace(self.options, dns_to_named_servers=NamedServerDns(name))
        return f"{keyword} {name}"

    def read_allow_unwrapped(self, keyword: str, values: list[str]) -> str:
        """Read the pattern of programs that may run outside the wrapper."""
        glob = _one_value(keyword, values, "GLOB")
        if "://" in glob:
            raise ValueError(f"expected {keyword} GLOB, a program's path or name, found a URL")
        self.options = replace(self.options, allow_unwrapped=(*self.options.allow_unwrapped, glob))
        return f"{keyword} {glob}"

    def read_engine(self, keyword: str, values: list[str]) -> str:
        """Read how programs are entered."""
        name = _one_value(keyword, values, "|".join(Engine))
        if name not in set(Engine):
            raise ValueError(f"expected {keyword} {'|'.join(Engine)}, found {name!r}")
        self.options = replace(self.options, engine=Engine(name))
        return f"{keyword} {name}"

    def read_proxy_environment(self, keyword: str, values: list[str]) -> str:
        """Read whether COMMAND gets variables that name a proxy which is reached directly."""
        value = _one_value(keyword, values, "keep|drop")
        if value not in {"keep", "drop"}:
            raise ValueError(f"expected {keyword} keep|drop, found {value!r}")
        self.options = replace(self.options, keeps_proxy_environment=value == "keep")
        return f"{keyword} {value}"

    def _note(self, text: str) -> None:
        self.notes.append(f"{self._origin}: {text}")


KEYWORDS: dict[str, Callable[[OptionLines, str, list[str]], str]] = {
    "strict_chain": OptionLines.read_chain_type,
    "dynamic_chain": OptionLines.read_chain_type,
    "random_chain": OptionLines.read_chain_type,
    "round_robin_chain": OptionLines.read_chain_type,
    "chain_len": OptionLines.read_chain_len,
    "tcp_read_time_out": OptionLines.read_time_out,
    "tcp_connect_time_out": OptionLines.read_time_out,
    "quiet_mode": OptionLines.read_quiet_mode,
    "proxy_dns": OptionLines.read_proxy_dns,
    "proxy_dns_old": OptionLines.read_proxy_dns,
    "proxy_dns_daemon": OptionLines.read_proxy_dns_daemon,
    "remote_dns_subnet": OptionLines.read_remote_dns_subnet,
    "localnet": OptionLines.read_localnet,
    "dnat": OptionLines.read_dnat,
    "proxy_loopback": OptionLines.read_proxy_loopback,
    "dns_to_named_servers": OptionLines.read_dns_to_named_servers,
    "allow_unwrapped": OptionLines.read_allow_unwrapped,
    "engine": OptionLines.read_engine,
    "proxy_environment": OptionLines.read_proxy_environment,
}


def _expect_no_value(keyword: str, values: Sequence[str]) -> None:
    if values:
        raise ValueError(f"expected nothing after {keyword}, found {' '.join(values)!r}")


def _one_value(keyword: str, values: Sequence[str], syntax: str) -> str:
    if values[:1] == ["="]:
        raise ValueError(f"expected {keyword} {syntax}, found '=' between them: write no '='")
    if len(values) != 1:
        found = f"{values[1]!r} after it" if values else "nothing"
        raise ValueError(f"expected {keyword} {syntax}, found {found}")
    return values[0]


def _number(keyword: str, values: Sequence[str], what: str, low: int, high: int) -> int:
    text = _one_value(keyword, values, "NUMBER")
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS and low <= int(text) <= high):
        raise ValueError(f"expected {keyword} with {what} from {low} to {high}, found {text!r}")
    return int(text)


def _parse_v4(text: str) -> IPv4Address:
    try:
        return IPv4Address(text)
    except ValueError:
        raise ValueError(f"expected an IPv4 address, found {text!r}") from None


def _parse_v4_endpoint(text: str, *, is_port_required: bool) -> tuple[IPv4Address, int | None]:
    address, colon, port = text.partition(":")
    if is_port_required and not colon:
        raise ValueError(f"expected IPV4:PORT, found {text!r}")
    return _parse_v4(address), parse_port(port) if colon else None


def _parse_localnet(text: str) -> LocalNet:
    match = re.fullmatch(_LOCALNET, text)
    if match is None:
        raise ValueError(f"expected localnet {LOCALNET_SYNTAX}, found {text!r}")
    # As in proxychains-ng, port 0 is any port.
    port = None if match["port"] is None or match["port"] == "0" else parse_port(match["port"])
    if match["v4"] is not None:
        address = _parse_v4(match["v4"])
        return LocalNet(IPv4Network((address, _v4_prefix(match["mask"])), strict=False), port)
    spelt = match["bracketed"] or match["v6"]
    try:
        return LocalNet(IPv6Network((IPv6Address(spelt), _prefix(match["mask"], 128)), strict=False), port)
    except AddressValueError:
        raise ValueError(f"expected an IPv6 address, found {spelt!r}") from None


def _v4_prefix(text: str) -> int:
    """Return the length of a prefix, or of a mask like 255.255.0.0."""
    if "." not in text:
        return _prefix(text, 32)
    inverse = ~int(_parse_v4(text)) & 0xFFFFFFFF
    if inverse & (inverse + 1):
        raise ValueError(f"expected a mask of ones followed by zeros, found {text!r}")
    return 32 - inverse.bit_length()


def _prefix(text: str, longest: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS and int(text) <= longest):
        raise ValueError(f"expected a prefix from 0 to {longest}, found {text!r}")
    return int(text)
