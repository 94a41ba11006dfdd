"""A file of proxychains-ng's, read as proxychains-ng 4.17 reads it, in proxywrap's form; pure.

That reader passes over what it does not know and takes numbers as atoi() does.
A line is kept where both take it alike, and written so that it means here what
it means there where it can be; a comment says what differs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import IPv4Network
from typing import NamedTuple

from proxywrap.errors import ConfigError
from proxywrap.keywords import OWN_OCTETS, OptionLines
from proxywrap.masking import SPLIT_USERINFO, has_split_userinfo, masked
from proxywrap.origin import Origin
from proxywrap.parser import Reread
from proxywrap.proxyline import parse_proxy_line

__all__ = ["Translation", "from_proxychains", "reread"]

PROXY_LIST = "[ProxyList]"

EXACT = frozenset(
    {
        "dynamic_chain",
        "strict_chain",
        "random_chain",
        "round_robin_chain",
        "quiet_mode",
        "proxy_dns",
        "proxy_dns_old",
    }
)
"""Options that must be the whole line."""

PREFIXES = (
    "chain_len",
    "tcp_read_time_out",
    "tcp_connect_time_out",
    "proxy_dns_daemon",
    "remote_dns_subnet",
    "localnet",
    "dnat",
)
"""Options that a line only has to begin with."""

TYPES = ("http", "socks4", "socks5", "raw")

MAX_LOCALNETS, MAX_PROXIES = 64, 512

MAX_LINE_BYTES = 1023
"""What its buffer takes at a time."""

LOOPBACK = IPv4Network("127.0.0.0/8")

_PASSED_OVER = "proxychains-ng passes over this line"
_ALL_REMOTE = "names are resolved by the last proxy"


class Translation(NamedTuple):
    """The lines of a file, and what is wrong with those that could not be kept."""

    lines: tuple[str, ...]
    errors: tuple[ConfigError, ...]


def from_proxychains(data: bytes, source: str) -> Translation:
    """Return the proxywrap form of a file of proxychains-ng's.

    Its credentials are in it, as they are in the file.

    Args:
        data: the whole file.
        source: its name, for errors.

    """
    translator = _Translator(source)
    lines = [
        f'# What proxychains-ng makes of {source}; a line "# differs:" says where this is not quite the same.'
    ]
    for number, raw in enumerate(data.removesuffix(b"\n").split(b"\n"), 1):
        lines += translator.line(number, raw)
    return Translation(tuple(lines), tuple(translator.errors))


def reread(raw: bytes, is_in_list: bool) -> Reread | None:  # noqa: FBT001 - which of two grammars
    """Return the lines that mean here what one line means to proxychains-ng, None where it refuses it.

    Args:
        raw: the line.
        is_in_list: it stands below [ProxyList].

    """
    translator = _Translator("", is_in_list=is_in_list)
    lines = tuple(translator.line(1, raw))
    return None if translator.errors else Reread(tuple(line for line in lines if not line.startswith("#")))


class _Translator:
    def __init__(self, source: str, *, is_in_list: bool = False) -> None:
        self.errors: list[ConfigError] = []
        self._source = source
        self._origin = Origin(source)
        self._options = OptionLines(source)
        self._seen: set[str] = set()
        self._localnets = 0
        self._proxies = 0
        self._is_in_list = is_in_list

    def line(self, number: int, raw: bytes) -> Iterator[str]:
        """Yield the lines for one line; what becomes a comment has no credentials of a URL in it."""
        for line in self._lines(number, raw):
            yield masked(line, may_have_blanks=True) if line.startswith("#") else line

    def _lines(self, number: int, raw: bytes) -> Iterator[str]:
        text = raw.strip().decode("utf-8", "surrogateescape")
        self._origin = Origin(self._source, number)
        if not text or text.startswith("#"):
            yield text
            return
        if len(raw) > MAX_LINE_BYTES:
            yield _differs(f"proxychains-ng cuts this line after {MAX_LINE_BYTES} bytes")
        try:
            if has_split_userinfo(text):
                raise ValueError(SPLIT_USERINFO)
            if self._is_in_list:
                yield from self._proxy(text)
            elif text == PROXY_LIST:
                yield from self._begin_list()
            else:
                yield from self._option(text)
        except ValueError as exc:
            self.errors.append(ConfigError(str(exc), self._source, number))
            yield f"# left out: {exc}"
            yield f"#{text}"

    # -- options -------------------------------------------------------------------

    def _option(self, text: str) -> Iterator[str]:
        keyword = text if text in EXACT else next((each for each in PREFIXES if text.startswith(each)), None)
        if keyword is None:
            yield from self._passed_over(text)
            return
        self._seen.add(keyword)
        values = text.split()[1:]
        match keyword:
            case "chain_len":
                yield from self._chain_len(text)
            case "tcp_read_time_out" | "tcp_connect_time_out" | "remote_dns_subnet":
                yield from self._number(keyword, text, values)
            case "localnet" if self._localnets == MAX_LOCALNETS:
                yield _differs(f"{_PASSED_OVER}, which is one more than the {MAX_LOCALNETS} that it takes")
                yield f"#{text}"
            case _:
                if keyword in {"proxy_dns_old", "proxy_dns_daemon"}:
                    yield _differs(f"{_ALL_REMOTE}, and nobody else is asked")
                yield self._options.read(keyword, values, self._origin)
                self._localnets += keyword == "localnet"

    def _passed_over(self, text: str) -> Iterator[str]:
        word, _, rest = text.partition(" ")
        if word in EXACT and rest.strip().startswith("#"):
            yield _differs(
                f"{_PASSED_OVER}, for {rest.strip()!r} is a part of it there; here {word} would count"
            )
        elif word.lower() in EXACT and word == text:
            yield _differs(f"{_PASSED_OVER}, for it is not written {word.lower()!r}")
        elif text.startswith("["):
            yield _differs(f"{_PASSED_OVER}, for it is not {PROXY_LIST}")
        else:
            yield _differs(f"{_PASSED_OVER}; here it would be an error")
        yield f"#{text}"

    def _chain_len(self, text: str) -> Iterator[str]:
        _, equals, value = text.partition("=")
        if not equals:
            raise ValueError("expected chain_len = NUMBER, found no '=', without which proxychains-ng ends")
        number = _atoi(value) or 1
        if value.strip() != str(number):
            yield _differs(f"proxychains-ng takes {value.strip() or 'nothing'!r} for {number}")
        yield self._options.read("chain_len", ["=", str(number)], self._origin)

    def _number(self, keyword: str, text: str, values: list[str]) -> Iterator[str]:
        number = _atoi(values[0]) if values else None
        if number is None:
            yield _differs(f"{_PASSED_OVER}, which has no number")
            yield f"#{text}"
            return
        if keyword == "remote_dns_subnet" and number in OWN_OCTETS:
            yield _differs(f"in proxychains-ng names get addresses of this host, {number}.0.0.0/8")
            yield f"#{text}"
            return
        if values[0] != str(number):
            yield _differs(f"proxychains-ng takes {values[0]!r} for {number}")
        yield self._options.read(keyword, [str(number)], self._origin)

    # -- proxies -------------------------------------------------------------------

    def _begin_list(self) -> Iterator[str]:
        self._is_in_list = True
        if not self._seen & {"proxy_dns", "proxy_dns_old", "proxy_dns_daemon"}:
            yield _differs(f"{_ALL_REMOTE}, in proxychains-ng only where a line says proxy_dns")
        if self._has_direct_loopback():
            yield _differs(
                "loopback is direct, but for the name servers there, in whose place proxywrap answers"
            )
        else:
            yield _differs(
                "loopback is direct; proxychains-ng sends it through the proxies, as this line would:"
            )
            yield "#proxy_loopback"
        yield PROXY_LIST

    def _has_direct_loopback(self) -> bool:
        return any(
            isinstance(net.network, IPv4Network) and net.network.supernet_of(LOOPBACK) and net.port is None
            for net in self._options.options.localnets
        )

    def _proxy(self, text: str) -> Iterator[str]:
        if self._proxies == MAX_PROXIES:
            yield _differs(f"{_PASSED_OVER}, which is one more than the {MAX_PROXIES} that it takes")
            yield f"#{text}"
            return
        fields = text.split()
        if "://" in fields[0]:
            yield from self._url(fields)
        else:
            yield from self._words(text, fields)

    def _url(self, fields: list[str]) -> Iterator[str]:
        if len(fields) > 1:
            yield _differs("proxychains-ng passes over what follows the URL")
        scheme, _, rest = fields[0].partition("://")
        if scheme not in TYPES:
            raise ValueError(_unknown_type(scheme))
        userinfo, at, place = rest.rpartition("@")
        if not re.search(r":[0-9]+/?$", place):
            raise ValueError("expected a port in the URL, without which proxychains-ng ends")
        literal = re.sub(r"%(?=[0-9A-Fa-f]{2})", "%25", userinfo)
        if literal != userinfo:
            yield _differs("in a URL % is written %25 here; proxychains-ng decodes nothing")
        yield self._checked([f"{scheme}://{literal}{at}{place}"])

    def _words(self, text: str, fields: list[str]) -> Iterator[str]:
        if fields[0] not in TYPES:
            raise ValueError(_unknown_type(fields[0] if ":" not in fields[0] else "something else"))
        if len(fields) < 3 or not re.fullmatch(r"-?[0-9]{1,10}", fields[2]):
            raise ValueError("expected TYPE HOST PORT [USER [PASSWORD]], found no number for a port")
        port = int(fields[2]) & 0xFFFF
        if port == 0:
            yield _differs("proxychains-ng drops this proxy without a word, for its port is 0")
            yield f"#{text}"
            return
        if str(port) != fields[2]:
            yield _differs(f"proxychains-ng takes port {fields[2]} for {port}")
        kept, credentials = [fields[0], fields[1], str(port)], fields[3:5]
        if credentials and credentials[0].startswith("#"):
            yield _differs("proxychains-ng logs in with what follows the port; here # begins a comment")
            credentials = []
        elif len(fields) > 5:
            yield _differs("proxychains-ng passes over what follows the password")
        if len(credentials) == 2 and credentials[1].startswith("#"):
            yield _differs("a # after a blank begins a comment here, so this is a URL")
            user, password = (
                each.replace("%", "%25").replace("#", "%23").replace(":", "%3A") for each in credentials
            )
            host = f"[{fields[1]}]" if ":" in fields[1] else fields[1]
            yield self._checked([f"{fields[0]}://{user}:{password}@{host}:{port}"])
            return
        yield self._checked([*kept, *credentials])

    def _checked(self, fields: list[str]) -> str:
        parse_proxy_line(fields)
        self._proxies += 1
        return " ".join(fields)


def _unknown_type(word: str) -> str:
    return f"expected one of {', '.join(TYPES)}, found {word!r}, at which proxychains-ng ends"


def _differs(text: str) -> str:
    return f"# differs: {text}"


def _atoi(text: str) -> int | None:
    """Return the number that a text begins with, None where it begins with none."""
    match = re.match(r"\s*([+-]?[0-9]{1,10})", text)
    return None if match is None else int(match[1])
