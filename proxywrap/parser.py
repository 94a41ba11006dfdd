"""The grammar of proxychains.conf, as a `Config`.

A file means what it means to proxychains-ng 4.17, with these differences:

- ` #` begins a comment anywhere on a line;
- an unknown keyword, a value out of range and anything after a value are
  errors that name FILE:LINE, where proxychains-ng passes over them;
- names are resolved by the last proxy with or without `proxy_dns`, and any
  hop may be given by name;
- there is no limit of 64 `localnet` lines or 512 proxies.

Reads bytes and returns values; opens no file and prints nothing. No error
quotes what could be a password.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from types import MappingProxyType
from typing import NamedTuple

from proxywrap.config import Config, Options, ProxyEntry
from proxywrap.errors import ConfigError
from proxywrap.keywords import KEYWORDS, OptionLines
from proxywrap.masking import SPLIT_USERINFO, has_split_userinfo, masked
from proxywrap.origin import Origin
from proxywrap.proxyline import TYPES
from proxywrap.remotenames import lacking_tor
from proxywrap.scheme import KINDS, Scheme
from proxywrap.sections import PROXY_LIST, Sections
from proxywrap.uri import parse_uri

__all__ = ["Reread", "Rereader", "Review", "config_from_urls", "parse_config", "review_config"]

URL_OPTIONS = Options(tcp_read_time_out_ms=15000, tcp_connect_time_out_ms=8000)
"""A chain given by URLs has the times of the file that proxychains-ng ships; Tor often needs them."""

_LATER_KEYWORDS = {"direct", "block", "chain", "resolve"}

_USER_FIELDS = ("TYPE", "HOST", "PORT", "USER")

_ANY = ("utf-8", "surrogateescape")

_COMMENT = re.compile(rb"(?:^|[ \t])#.*", re.DOTALL)


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
    for number, url in enumerate(urls, 1):
        try:
            entries.append(ProxyEntry(parse_uri(url), Origin(source)))
        except ValueError as exc:
            place = source if len(urls) == 1 else f"{source} ({number} of {len(urls)})"
            raise ConfigError(str(exc), place) from None  # the cause could quote a password
    return Config(URL_OPTIONS, tuple(entries), source)


class Reread(NamedTuple):
    """What proxychains-ng makes of a line that is wrong here: other lines, none where it passes over it."""

    lines: tuple[str, ...]


Rereader = Callable[[bytes, bool], Reread | None]
"""Takes a line, and whether it stands below [ProxyList]; None where proxychains-ng refuses it as well."""


def parse_config(data: bytes, source: str, reread: Rereader | None = None) -> Config:
    """Return what a file in proxychains' grammar says.

    Args:
        data: the whole file.
        source: its name, for errors and origins.
        reread: what becomes of a wrong line of a file that was written for
            proxychains-ng: a warning says what was expected and what was done.

    Raises:
        ConfigError: what was expected and what was found, with file and line.

    """
    draft = _Draft(source, reread)
    for error in draft.read(data):
        raise error
    return draft.finish()


class Review(NamedTuple):
    """What a file says, None where something is wrong with it, and what is to be said of it."""

    config: Config | None
    errors: tuple[ConfigError, ...]
    warnings: tuple[str, ...]


def review_config(data: bytes, source: str) -> Review:
    """Return what a file says and all that is wrong with it.

    Lines below a section's wrong first line are not judged, for what they are is not known.

    Args:
        data: the whole file.
        source: its name, for errors and origins.

    """
    draft = _Draft(source)
    errors = tuple(draft.read(data))
    return Review(None if errors else draft.finish(), errors, draft.all_warnings())


class _Draft:
    """A configuration of which some lines have been read."""

    def __init__(self, source: str, reread: Rereader | None = None) -> None:
        self.source = source
        self.reread = reread
        self.origin = Origin(source)
        self.options = OptionLines(source)
        self.sections = Sections(source)
        self.warnings: list[str] = []

    def read(self, data: bytes) -> Iterator[ConfigError]:
        """Take in a whole file; yield what is wrong with it, in the order in which it is found."""
        has_lost_section = has_error = False
        if not data[:1].isascii():
            data, fault = self._decoded(data)
            if fault is not None:
                has_error = True
                yield ConfigError(fault, self.source, 1)
        for number, raw in enumerate(data.split(b"\n"), 1):
            fields = _fields(raw)
            is_header = bool(fields) and fields[0].startswith("[")
            if not fields or (has_lost_section and not is_header):
                continue
            self.origin = Origin(self.source, number)
            fault = self._fault(raw, fields)
            if is_header:
                has_lost_section = fault is not None
            if fault is not None:
                has_error = True
                yield ConfigError(fault, self.source, number)
        # What a wrong line has not brought is not missing.
        if not has_error:
            yield from self.sections.problems()
            yield from self.options.problems(len(self.sections.proxies))
            yield from self._name_problems()

    def _decoded(self, data: bytes) -> tuple[bytes, str | None]:
        """Return a file without its byte order mark, and what is wrong with its encoding."""
        from proxywrap.suggest import BYTE_ORDER_MARK, wrong_encoding  # noqa: PLC0415 - few files begin so

        fault = wrong_encoding(data)
        if fault is not None and self.reread is not None and data.startswith(BYTE_ORDER_MARK):
            self.warnings.append(f"{self.source}:1: {fault}; the line is read without it")
            fault = None
        return data.removeprefix(BYTE_ORDER_MARK), fault

    def _fault(self, raw: bytes, fields: list[str]) -> str | None:
        """Take in one line that is neither empty nor a comment; return what is wrong with it."""
        is_in_list = self.sections.is_in_list
        fault = _lost_password(raw, fields) if is_in_list else None
        fault = fault or self._read_line(fields)
        if fault is None:
            return None
        if has_split_userinfo(raw.decode("utf-8", "surrogateescape")):
            return SPLIT_USERINFO
        if self.reread is not None and (is_in_list or not self.sections.have_begun):
            return self._reread(self.reread, raw, fields, fault)
        from proxywrap.suggest import suggestion  # noqa: PLC0415 - few lines are wrong

        return suggestion(fields, is_in_list=self.sections.have_begun) or fault

    def _reread(self, reread: Rereader, raw: bytes, fields: list[str], fault: str) -> str | None:
        """Take in a wrong line as proxychains-ng does, and warn; return what is wrong with it there too."""
        is_in_list = self.sections.have_begun
        read = reread(raw, is_in_list)
        if read is None or any(self._read_line(_fields(line.encode(*_ANY))) for line in read.lines):
            return fault
        done = "is passed over"
        if read.lines:
            done = "is read as " + " and ".join(
                f"`{_shown(line.split(), is_in_list)}`" for line in read.lines
            )
        line = _shown(fields, is_in_list)
        self.warnings.append(f"{self.origin}: `{line}` {done}, for the file is proxychains-ng's: {fault}")
        return None

    def _name_problems(self) -> Iterator[ConfigError]:
        """Yield each line that has names looked up by a proxy that does not do it."""
        kind, hops = self.options.options.chain_type, [entry.uri for entry in self.sections.proxies]
        for rule, reason in lacking_tor(self.sections.name_rules, PROXY_LIST, kind, hops):
            yield ConfigError(reason, self.source, rule.origin.line)

    def finish(self) -> Config:
        """Return the configuration once every line has been read and nothing is wrong."""
        sections = self.sections
        options = self.options.options
        effective = set(options.lines())
        return Config(
            options,
            sections.proxies,
            self.source,
            MappingProxyType({line: at for line, at in self.options.origins.items() if line in effective}),
            tuple(self.options.notes),
            self.all_warnings(),
            sections.chains,
            tuple(sections.rules),
            tuple(sections.name_rules),
        )

    def all_warnings(self) -> tuple[str, ...]:
        """Return what the user should know of the lines that were read."""
        return (*self.warnings, *self.sections.warnings())

    def _read_line(self, fields: list[str]) -> str | None:
        """Take in the words of a line that is neither empty nor a comment; return what is wrong with it."""
        try:
            if fields[0].startswith("["):
                self.sections.begin(" ".join(fields), self.origin)
            elif not self.sections.have_begun:
                self._read_option(fields)
            else:
                warning = self.sections.read(fields, self.origin)
                if warning is not None:
                    self.warnings.append(f"{self.origin}: {warning}")
        except ValueError as exc:
            return str(exc)  # without the cause, which could quote a password
        return None

    def _read_option(self, fields: list[str]) -> None:
        keyword, equals, glued = fields[0].partition("=")
        values = [equals + glued, *fields[1:]] if equals else fields[1:]
        if keyword not in KEYWORDS or (equals and keyword != "chain_len"):
            raise ValueError(_unknown_keyword(fields[0]))
        self.options.read(keyword, values, self.origin)


def _fields(line: bytes) -> list[str]:
    """Split as bytes: str.split() would also take a no-break space in a password for a separator."""
    return [part.decode("utf-8", "surrogateescape") for part in _COMMENT.sub(b"", line.strip()).split()]


def _shown(fields: Sequence[str], is_in_list: bool) -> str:  # noqa: FBT001 - which of two grammars
    """Return a line without what could be credentials in it."""
    if is_in_list and "://" not in fields[0]:
        fields = [*fields[:3], *("***" for _ in fields[3:])]
    return masked(" ".join("***" if "@" in word and "://" not in word else word for word in fields))


def _lost_password(raw: bytes, fields: Sequence[str]) -> str | None:
    """Return what is wrong with a proxy whose password proxychains-ng finds where a comment begins here."""
    kind, count = fields[0], len(_USER_FIELDS)
    has_password = kind in TYPES and KINDS[kind][0] in {Scheme.SOCKS5, Scheme.SOCKS5H, Scheme.HTTP}
    if not has_password or len(fields) != count or not re.search(rb"[ \t]#[^ \t#]", raw):
        return None
    return (
        "expected a password behind the user name, found a # after a blank, which begins a comment: "
        f"write {kind}://[USER:PASSWORD@]{fields[1]}:{fields[2]} with # as %23"
    )


def _unknown_keyword(word: str) -> str:
    if "://" in word or word in TYPES:
        return f"expected an option, found a proxy: proxies stand below {PROXY_LIST}"
    if word in _LATER_KEYWORDS:
        return f"expected an option, found {word!r} outside its section"
    # A word with one of these may be half of somebody's credentials.
    found = "an unknown one" if any(ch in word for ch in ":@/") else repr(word)
    from proxywrap.suggest import did_you_mean  # noqa: PLC0415 - few words are misspelt

    return f"expected an option, found {found}{did_you_mean(word.partition('=')[0], KEYWORDS)}"
