"""The grammar of proxychains.conf, as a `Config`.

A file means what it means to proxychains-ng 4.17, with these differences:

- ` #` begins a comment anywhere on a line;
- an unknown keyword, a value out of range and anything after a value are
  errors that name FILE:LINE, where proxychains-ng passes over them;
- names are resolved by the last proxy with or without `proxy_dns`, and any
  hop may be given by name;
- without a chain keyword the chain is strict;
- there is no limit of 64 `localnet` lines or 512 proxies.

Reads bytes and returns values; opens no file and prints nothing. No error
quotes what could be a password.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network
from types import MappingProxyType

from proxywrap.address import parse_port
from proxywrap.config import ChainType, Config, Dnat, LocalNet, Options, Origin, ProxyEntry
from proxywrap.errors import ConfigError
from proxywrap.uri import ProxyURI, Scheme, check_credentials, parse_proxy_host, parse_proxy_port, parse_uri

__all__ = ["config_from_urls", "parse_config"]

PROXY_LIST = "[ProxyList]"

PROXY_SYNTAX = "TYPE HOST PORT [USER [PASSWORD]]"

MIN_FIELDS, MAX_FIELDS = 3, 5

LOCALNET_SYNTAX = "ADDRESS[:PORT]/MASK"

URL_OPTIONS = Options(tcp_read_time_out_ms=15000, tcp_connect_time_out_ms=8000)
"""A chain given by URLs has the times of the file that proxychains-ng ships; Tor often needs them."""

MAX_MS = 2**31 - 1

MAX_CHAIN_LEN = 512
"""The most proxies that proxychains-ng takes."""

MAX_DIGITS = 10
"""Longer numbers are out of every range here, and int() refuses 4301 digits with words of its own."""

_OWN_OCTETS = {0, 127}
"""0/8 is "this host" (RFC 1122, section 3.2.1.3), 127/8 is loopback: neither may mean a name."""

_TYPES = tuple(Scheme)

_LATER_KEYWORDS = {"direct", "block", "chain"}

_COMMENT = re.compile(rb"(?:^|[ \t])#.*", re.DOTALL)

# Compiled by the first line that needs it: most files, and every -x, do without.
_CHAIN_LEN = r"= ?([0-9]{1,10})"

_LOCALNET = (
    r"(?:\[(?P<bracketed>[^\]]*)\]|(?P<v4>[^:/\[\]]*)|(?P<v6>[^/\[\]]*:[^/\[\]]*:[^/\[\]]*))"
    r"(?::(?P<port>[^:/]*))?/(?P<mask>[^/]+)"
)


def config_from_urls(urls: Sequence[str], source: str = "-x") -> Config:
    """Return a strict chain of the proxies that `urls` describe.

    Args:
        urls: one URL for each hop, the first one nearest.
        source: where they were given, for errors.

    Raises:
        ConfigError: one of them is no proxy URL, or there is none.

    """
    if not urls:
        raise ConfigError("expected a proxy URL, found none", source)
    entries = []
    for url in urls:
        try:
            entries.append(ProxyEntry(parse_uri(url), Origin(source)))
        except ValueError as exc:
            raise ConfigError(str(exc), source) from None  # the cause could quote a password
    return Config(URL_OPTIONS, tuple(entries), source)


def parse_config(data: bytes, source: str) -> Config:
    """Return what a file in proxychains' grammar says.

    Args:
        data: the whole file.
        source: its name, for errors and origins.

    Raises:
        ConfigError: what was expected and what was found, with file and line.

    """
    draft = _Draft(source)
    for number, raw in enumerate(data.split(b"\n"), 1):
        # Split as bytes: str.split() would also take a no-break space in a password for a separator.
        fields = [part.decode("utf-8", "surrogateescape") for part in _COMMENT.sub(b"", raw.strip()).split()]
        if not fields:
            continue
        draft.origin = Origin(source, number)
        try:
            draft.read_line(fields)
        except ValueError as exc:
            raise ConfigError(str(exc), source, number) from None  # the cause could quote a password
    return draft.finish()


class _Draft:
    """A configuration of which some lines have been read."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.origin = Origin(source)
        self.options = Options()
        self.chain_origin: Origin | None = None
        self.chain_len_origin: Origin | None = None
        self.proxies: list[ProxyEntry] | None = None
        self.origins: dict[str, Origin] = {}
        self.notes: list[str] = []

    def read_line(self, fields: list[str]) -> None:
        """Take in one line that is neither empty nor a comment."""
        if fields[0].startswith("["):
            self._read_section(" ".join(fields))
        elif self.proxies is not None:
            self.proxies.append(ProxyEntry(self._read_proxy(fields), self.origin))
        else:
            self._read_option(fields)

    def finish(self) -> Config:
        """Return the configuration once every line has been read."""
        if self.proxies is None:
            raise ConfigError(f"expected a {PROXY_LIST} line and proxies below it, found none", self.source)
        if not self.proxies:
            raise ConfigError(f"expected a proxy below {PROXY_LIST}, found none", self.source)
        self._check_chain(len(self.proxies))
        effective = set(self.options.lines())
        return Config(
            self.options,
            tuple(self.proxies),
            self.source,
            MappingProxyType({line: origin for line, origin in self.origins.items() if line in effective}),
            tuple(self.notes),
        )

    def _check_chain(self, count: int) -> None:
        kind = self.options.chain_type
        if kind is ChainType.STRICT:
            return
        if count > 1 and self.chain_origin is not None:
            raise ConfigError(
                f"expected strict_chain, all that this version runs with several proxies, found {kind}",
                self.source,
                self.chain_origin.line,
            )
        if (
            kind is not ChainType.DYNAMIC
            and self.options.chain_len > count
            and self.chain_len_origin is not None
        ):
            raise ConfigError(
                f"expected a chain_len of at most {count}, the proxies, found {self.options.chain_len}",
                self.source,
                self.chain_len_origin.line,
            )

    # -- sections ----------------------------------------------------------

    def _read_section(self, header: str) -> None:
        if header == PROXY_LIST:
            if self.proxies is not None:
                raise ValueError(f"expected a proxy, found a second {PROXY_LIST}")
            self.proxies = []
        elif header.startswith("[chain ") or header == "[rules]":
            kind = "named chains" if header.startswith("[chain ") else "rules"
            raise ValueError(f"expected {PROXY_LIST}, found {header!r}: this version has no {kind}")
        elif header.casefold() == PROXY_LIST.casefold():
            raise ValueError(f"expected {PROXY_LIST} in these letters, found {header!r}")
        else:
            raise ValueError(f"expected {PROXY_LIST}, found an unknown section or something after it")

    # -- options -----------------------------------------------------------

    def _read_option(self, fields: list[str]) -> None:
        keyword, equals, glued = fields[0].partition("=")
        values = [equals + glued, *fields[1:]] if equals else fields[1:]
        reader = _OPTIONS.get(keyword)
        if reader is None or (equals and keyword != "chain_len"):
            raise ValueError(_unknown_keyword(fields[0]))
        self.origins[reader(self, keyword, values)] = self.origin

    def read_chain_type(self, keyword: str, values: list[str]) -> str:
        """Read one of the four chain kinds; return the line in its canonical form, as all below."""
        _expect_no_value(keyword, values)
        self.chain_origin = self.origin
        self.options = replace(self.options, chain_type=ChainType(keyword))
        return keyword

    def read_chain_len(self, _keyword: str, values: list[str]) -> str:
        """Read `chain_len = N`."""
        match = re.fullmatch(_CHAIN_LEN, " ".join(values))
        if match is None or not 1 <= int(match[1]) <= MAX_CHAIN_LEN:
            found = " ".join(values) or "no value"
            raise ValueError(f"expected chain_len = NUMBER, from 1 to {MAX_CHAIN_LEN}, found {found!r}")
        self.chain_len_origin = self.origin
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
        _parse_v4_endpoint(_one_value(keyword, values, "IPV4:PORT"), is_port_required=True)
        self._note("proxy_dns_daemon: names are resolved by the last proxy, the daemon is not asked")
        return keyword

    def read_remote_dns_subnet(self, keyword: str, values: list[str]) -> str:
        """Read the first octet of the fake addresses."""
        octet = _number(keyword, values, "a first octet", 0, 255)
        if octet in _OWN_OCTETS:
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
            raise ValueError(f"expected {keyword} IPV4[:PORT] IPV4[:PORT], found {_count(values, 'value')}")
        old, new = (_parse_v4_endpoint(value, is_port_required=False) for value in values)
        rule = Dnat(*old, *new)
        self.options = replace(self.options, dnats=(*self.options.dnats, rule))
        return f"{keyword} {rule}"

    def read_proxy_loopback(self, keyword: str, values: list[str]) -> str:
        """Read `proxy_loopback`."""
        _expect_no_value(keyword, values)
        self.options = replace(self.options, proxy_loopback=True)
        return keyword

    def read_allow_unwrapped(self, keyword: str, values: list[str]) -> str:
        """Read the pattern of programs that may run outside the wrapper."""
        glob = _one_value(keyword, values, "GLOB")
        self.options = replace(self.options, allow_unwrapped=(*self.options.allow_unwrapped, glob))
        return f"{keyword} {glob}"

    # -- proxies -----------------------------------------------------------

    def _read_proxy(self, fields: list[str]) -> ProxyURI:
        if "://" in fields[0]:
            if len(fields) > 1:
                raise ValueError("expected nothing after a proxy URL, found more: write a blank in it as %20")
            return parse_uri(fields[0])
        scheme = _parse_type(fields[0])
        if not MIN_FIELDS <= len(fields) <= MAX_FIELDS:
            raise ValueError(f"expected {PROXY_SYNTAX}, found {_count(fields, 'field')}")
        host, port = parse_proxy_host(fields[1]), parse_proxy_port(fields[2])
        credentials = [part.encode("utf-8", "surrogateescape") for part in fields[3:]]
        username = credentials[0] if credentials else None
        password = (credentials[1] if len(credentials) > 1 else b"") if credentials else None
        if scheme in {Scheme.SOCKS4, Scheme.SOCKS4A} and password is not None:
            if password:
                self._note(f"{scheme} has no password: only the user name is sent")
            password = None
        check_credentials(scheme, username, password)
        return ProxyURI(scheme, host, port, username, password)

    def _note(self, text: str) -> None:
        self.notes.append(f"{self.origin}: {text}")


_OPTIONS: dict[str, Callable[[_Draft, str, list[str]], str]] = {
    "strict_chain": _Draft.read_chain_type,
    "dynamic_chain": _Draft.read_chain_type,
    "random_chain": _Draft.read_chain_type,
    "round_robin_chain": _Draft.read_chain_type,
    "chain_len": _Draft.read_chain_len,
    "tcp_read_time_out": _Draft.read_time_out,
    "tcp_connect_time_out": _Draft.read_time_out,
    "quiet_mode": _Draft.read_quiet_mode,
    "proxy_dns": _Draft.read_proxy_dns,
    "proxy_dns_old": _Draft.read_proxy_dns,
    "proxy_dns_daemon": _Draft.read_proxy_dns_daemon,
    "remote_dns_subnet": _Draft.read_remote_dns_subnet,
    "localnet": _Draft.read_localnet,
    "dnat": _Draft.read_dnat,
    "proxy_loopback": _Draft.read_proxy_loopback,
    "allow_unwrapped": _Draft.read_allow_unwrapped,
}


# -- values ------------------------------------------------------------------


def _count(parts: Sequence[str], noun: str) -> str:
    return f"{len(parts)} {noun}{'' if len(parts) == 1 else 's'}"


def _unknown_keyword(word: str) -> str:
    if "://" in word or word in _TYPES:
        return f"expected an option, found a proxy: proxies stand below {PROXY_LIST}"
    if word in _LATER_KEYWORDS:
        return f"expected an option, found {word!r} outside its section"
    near = [
        known
        for known in _OPTIONS
        if known.replace("_", "") == word.replace("_", "").replace("-", "").lower()
    ]
    hint = f": did you mean {near[0]}?" if near else ""
    # A word with one of these may be half of somebody's credentials.
    found = "an unknown one" if any(ch in word for ch in ":@/") else repr(word)
    return f"expected an option, found {found}{hint}"


def _expect_no_value(keyword: str, values: Sequence[str]) -> None:
    if values:
        raise ValueError(f"expected nothing after {keyword}, found {' '.join(values)!r}")


def _one_value(keyword: str, values: Sequence[str], syntax: str) -> str:
    if len(values) != 1:
        found = f"{values[1]!r} after it" if values else "nothing"
        raise ValueError(f"expected {keyword} {syntax}, found {found}")
    return values[0]


def _number(keyword: str, values: Sequence[str], what: str, low: int, high: int) -> int:
    text = _one_value(keyword, values, "NUMBER")
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS and low <= int(text) <= high):
        raise ValueError(f"expected {keyword} with {what} from {low} to {high}, found {text!r}")
    return int(text)


def _parse_type(word: str) -> Scheme:
    if word in _TYPES:
        return Scheme(word)
    known = ", ".join(_TYPES)
    if word in _OPTIONS:
        raise ValueError(f"expected a proxy, found the option {word}: options stand above {PROXY_LIST}")
    if word == "raw":
        raise ValueError(
            f"expected one of the types {known}, found raw: a hop without a handshake is not carried"
        )
    if word.lower() in _TYPES:
        raise ValueError(f"expected one of the types {known} in lower case, found {word!r}")
    # A proxy without its type begins with a host, or with somebody's credentials.
    found = "something else" if any(ch in word for ch in ":@") else repr(word)
    raise ValueError(f"expected one of the types {known}, found {found}")


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
