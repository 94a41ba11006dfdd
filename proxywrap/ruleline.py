"""One line of the section [rules], as a value."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network

from proxywrap.address import parse_port
from proxywrap.origin import Origin
from proxywrap.rules import ANY_PORT, Action, NameRule, Network, Pattern, Rule

__all__ = ["RULE_SYNTAX", "parse_name_rule", "parse_rule"]

RULE_SYNTAX = (
    "direct, block or chain NAME, then HOST[:PORT[-PORT]] or NETWORK or app=GLOB, "
    "or resolve local NAME or resolve remote NAME"
)

APP = "app="


def parse_rule(fields: Sequence[str], origin: Origin) -> Rule:
    """Return the rule that a line spells.

    Args:
        fields: its words.
        origin: where it stands.

    Raises:
        ValueError: what was expected and what was found.

    """
    try:
        action = Action(fields[0])
    except ValueError:
        raise ValueError(f"expected {RULE_SYNTAX}, found {fields[0]!r}") from None
    conditions, chain = list(fields[1:]), ""
    if action is Action.CHAIN:
        if not conditions:
            raise ValueError("expected chain NAME and conditions, found nothing after chain")
        chain = conditions.pop(0)
    if not conditions:
        raise ValueError(f"expected a condition after {' '.join(fields)}, found none; * is every host")
    apps = [word.removeprefix(APP) for word in conditions if word.startswith(APP)]
    if "" in apps:
        raise ValueError(f"expected {APP}GLOB, found {APP} and nothing")
    if any("://" in app for app in apps):
        raise ValueError(f"expected {APP}GLOB, a program's path or name, found a URL")
    if len(apps) > 1:
        raise ValueError(f"expected one {APP}GLOB at most, found {' '.join(APP + app for app in apps)!r}")
    patterns = tuple(_parse_pattern(word) for word in conditions if not word.startswith(APP))
    return Rule(action, chain, patterns or (Pattern(),), apps[0] if apps else None, origin)


def parse_name_rule(values: Sequence[str], origin: Origin) -> NameRule:
    """Return the rule of a line `resolve local GLOB…` or `resolve remote GLOB…`.

    Args:
        values: the words behind the first one.
        origin: where it stands.

    Raises:
        ValueError: what was expected and what was found.

    """
    if len(values) < 2 or values[0] not in {"local", "remote"}:
        raise ValueError(f"expected resolve local NAME… or resolve remote NAME…, found {' '.join(values)!r}")
    return NameRule(values[0] == "remote", tuple(_parse_glob(word) for word in values[1:]), origin)


def _parse_pattern(word: str) -> Pattern:
    """Read HOST[:PORT[-PORT]]; an IPv6 address with a port stands in brackets, as do letters of a glob."""
    if "://" in word:
        raise ValueError(f"expected a host name, a glob, an address or a network, found {word!r}")
    host, ports = word, ANY_PORT
    if word.startswith("[") and _is_address_in_brackets(word):
        inside, bracket, rest = word[1:].partition("]")
        if not bracket:
            raise ValueError(f"expected a closing bracket, found {word!r}")
        prefix, _, port = rest.partition(":")
        host = inside + prefix
        if port or rest.endswith(":"):
            ports = _parse_ports(port)
    elif word.count(":") == 1:
        host, _, port = word.partition(":")
        ports = _parse_ports(port)
    if host == "*":
        return Pattern(ports=ports)
    network = _parse_network(host)
    return Pattern(network, None if network is not None else _parse_glob(host), ports)


def _is_address_in_brackets(word: str) -> bool:
    """Tell `[2001:db8::1]:80` from a glob like `[ab].example:80`."""
    inside, bracket, _ = word[1:].partition("]")
    return ":" in inside or "." in inside or not bracket


def _parse_ports(text: str) -> tuple[int, int]:
    if text == "*":
        return ANY_PORT
    low, dash, high = text.partition("-")
    first = parse_port(low)
    last = parse_port(high) if dash else first
    if last < first:
        raise ValueError(f"expected ports from low to high, found {text!r}")
    return first, last


def _parse_network(text: str) -> Network | None:
    """Return the network or address, None for what is a name."""
    address, slash, prefix = text.partition("/")
    is_v6 = ":" in address
    if not slash and not is_v6 and not address.replace(".", "").isdigit():
        return None
    bits = 128 if is_v6 else 32
    if slash and not (prefix.isascii() and prefix.isdigit() and int(prefix) <= bits):
        raise ValueError(f"expected a prefix from 0 to {bits}, found {prefix!r} in {text!r}")
    length = int(prefix) if slash else bits
    try:
        if is_v6:
            return IPv6Network((IPv6Address(address), length), strict=False)
        return IPv4Network((IPv4Address(address), length), strict=False)
    except AddressValueError:
        raise ValueError(f"expected an address, found {address!r}") from None


def _parse_glob(text: str) -> str:
    """Return a glob for names; `.example.org` is the same as `*.example.org`."""
    glob = text.lower().removesuffix(".")
    if glob.startswith("."):
        glob = "*" + glob
    if not glob or any(ch in glob for ch in "/:@#"):
        raise ValueError(f"expected a host name, a glob, an address or a network, found {text!r}")
    if glob.count("[") != glob.count("]"):
        raise ValueError(f"expected a closing bracket, found {text!r}")
    return glob
