"""The sections of a file: [ProxyList], [chain NAME] and [rules]."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from proxywrap.config import PROXY_LIST_NAME, ChainType, NamedChain, ProxyEntry
from proxywrap.errors import ConfigError
from proxywrap.keywords import KEYWORDS, OptionLines
from proxywrap.origin import Origin
from proxywrap.proxyline import parse_proxy_line

if TYPE_CHECKING:
    from proxywrap.rules import NameRule, Rule  # which most files have none of

__all__ = ["PROXY_LIST", "Sections"]

PROXY_LIST = f"[{PROXY_LIST_NAME}]"
RULES = "[rules]"
CHAIN_HEADER = "[chain "

CHAIN_KEYWORDS = frozenset({*ChainType, "chain_len"})
"""The options that a [chain NAME] may have of its own."""


class _Chain:
    """A [chain NAME] of which some lines have been read."""

    def __init__(self, name: str, source: str, origin: Origin) -> None:
        self.name = name
        self.origin = origin
        self.options = OptionLines(source)
        self.proxies: list[ProxyEntry] = []


class Sections:
    """The sections of which some lines have been read.

    Args:
        source: name of the file, for errors.

    """

    def __init__(self, source: str) -> None:
        self.have_begun = False
        self.rules: list[Rule] = []
        self.name_rules: list[NameRule] = []
        self._source = source
        self._proxies: list[ProxyEntry] | None = None
        self._chains: dict[str, _Chain] = {}
        self._current: str | _Chain = PROXY_LIST
        self._has_rules = False

    def begin(self, header: str, origin: Origin) -> None:
        """Begin the section of a header.

        Raises:
            ValueError: what was expected and what was found.

        """
        if header == PROXY_LIST:
            if self._proxies is not None:
                raise ValueError(f"expected a proxy, found a second {PROXY_LIST}")
            self._proxies = []
            self._current = PROXY_LIST
        elif header == RULES:
            if self._has_rules:
                raise ValueError(f"expected a rule, found a second {RULES}")
            self._has_rules = True
            self._current = RULES
        elif header.startswith(CHAIN_HEADER):
            self._begin_chain(header, origin)
        elif header.casefold() in {PROXY_LIST.casefold(), RULES}:
            right = PROXY_LIST if header.casefold() == PROXY_LIST.casefold() else RULES
            raise ValueError(f"expected {right} in these letters, found {header!r}")
        else:
            raise ValueError(
                f"expected {PROXY_LIST}, {CHAIN_HEADER}NAME] or {RULES}, found an unknown section "
                "or something after it"
            )
        self.have_begun = True

    def read(self, fields: list[str], origin: Origin) -> str | None:
        """Take in a line of the section that has begun; return a warning where one is due.

        Raises:
            ValueError: what was expected and what was found.

        """
        if self._current == RULES:
            self._read_rule(fields, origin)
            return None
        if isinstance(self._current, _Chain):
            keyword, equals, glued = fields[0].partition("=")
            if keyword in CHAIN_KEYWORDS:
                values = [equals + glued, *fields[1:]] if equals else fields[1:]
                self._current.options.read(keyword, values, origin)
                return None
            entries = self._current.proxies
        else:
            assert self._proxies is not None  # noqa: S101 - its header was read
            entries = self._proxies
        if fields[0] in KEYWORDS:
            raise ValueError(
                f"expected a proxy, found the option {fields[0]}: options stand above {PROXY_LIST}"
            )
        proxy, warning = parse_proxy_line(fields)
        entries.append(ProxyEntry(proxy, origin))
        return warning

    def problems(self) -> Iterator[ConfigError]:
        """Yield what is missing, or does not fit, once every line has been read."""
        if self._proxies is None:
            yield ConfigError(f"expected a {PROXY_LIST} line and proxies below it, found none", self._source)
        elif not self._proxies:
            yield ConfigError(f"expected a proxy below {PROXY_LIST}, found none", self._source)
        for chain in self._chains.values():
            if not chain.proxies:
                reason = f"expected a proxy below {CHAIN_HEADER}{chain.name}], found none"
                yield ConfigError(reason, self._source, chain.origin.line)
            else:
                yield from chain.options.problems(len(chain.proxies))
        for rule in self.rules:
            if rule.chain and rule.chain not in {PROXY_LIST_NAME, *self._chains}:
                reason = f"expected the name of a chain, found {rule.chain!r}, which no section has"
                yield ConfigError(reason, self._source, rule.origin.line)

    @property
    def is_in_list(self) -> bool:
        """Whether the section that has begun is [ProxyList]."""
        return self.have_begun and self._current == PROXY_LIST

    @property
    def proxies(self) -> tuple[ProxyEntry, ...]:
        """The proxies of [ProxyList], in their order."""
        return tuple(self._proxies or ())

    @property
    def chains(self) -> tuple[NamedChain, ...]:
        """The named chains, in their order."""
        return tuple(
            NamedChain(
                chain.name,
                chain.options.options.chain_type,
                chain.options.options.chain_len,
                tuple(chain.proxies),
                chain.origin,
            )
            for chain in self._chains.values()
        )

    def warnings(self) -> Iterator[str]:
        """Yield what the user should know of the rules."""
        if not self.rules:
            return
        from proxywrap.rules import shadowed  # noqa: PLC0415 - most files have no rules

        for rule, earlier in shadowed(self.rules):
            yield f"{rule.origin}: this rule can never match: line {earlier.origin.line} has taken all of it"

    def _begin_chain(self, header: str, origin: Origin) -> None:
        name = header.removeprefix(CHAIN_HEADER).removesuffix("]").strip()
        if not header.endswith("]") or not name or " " in name or "://" in name:
            raise ValueError(
                f"expected {CHAIN_HEADER}NAME], a name without blanks that is no URL, found {header!r}"
            )
        if name == PROXY_LIST_NAME or name in self._chains:
            raise ValueError(f"expected a name that no other chain has, found {name!r} again")
        self._chains[name] = _Chain(name, self._source, origin)
        self._current = self._chains[name]

    def _read_rule(self, fields: list[str], origin: Origin) -> None:
        from proxywrap.ruleline import parse_name_rule, parse_rule  # noqa: PLC0415 - as above

        if fields[0] == "resolve":
            self.name_rules.append(parse_name_rule(fields[1:], origin))
        else:
            self.rules.append(parse_rule(fields, origin))
