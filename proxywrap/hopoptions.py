"""Options of a hop: `?ca=FILE&pipeline=1` behind its URL, or words behind its line."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Sequence
from enum import StrEnum
from typing import NamedTuple

from proxywrap.scheme import KINDS, TLS_KINDS, Scheme

__all__ = ["PIPELINE", "HopOptions", "Isolate", "is_for", "is_option", "parse_options"]


class Isolate(StrEnum):
    """What a proxy is to keep apart; each value is the option's."""

    PROCESS = "process"
    DESTINATION = "destination"


PIPELINE = "pipeline"

MAX_WARM = 64
"""Connections that may stand ready: a proxy takes a hundred or two of all its users (tinyproxy: 100)."""


class HopOptions(NamedTuple):
    """What is said of a hop beside where it is and who we are."""

    ca: str | None = None
    """A file of certificates, in place of the system's."""
    is_insecure: bool = False
    """Whether any certificate will do."""
    is_pipelined: bool = False
    """Whether the whole handshake goes out in one flight."""
    warm: int = 0
    """How many connections stand ready where it is the first hop."""
    isolate: Isolate | None = None
    """By what the user name and password differ that we make up for it."""
    is_tor: bool = False
    """Whether it answers Tor's own commands, RESOLVE and RESOLVE_PTR."""

    def __str__(self) -> str:
        """Return them as the words behind a line."""
        values = ((name, getattr(self, option.field)) for name, option in _OPTIONS.items())
        return " ".join(f"{name}={int(value) if value is True else value}" for name, value in values if value)


class _Option(NamedTuple):
    """An option: its field, its form, what a value means, which kinds have it, and why others have not."""

    field: str
    form: str
    parse: Callable[[str], object]
    kinds: Collection[str]
    reason: str


def is_option(word: str) -> bool:
    """Tell whether a word behind a line is an option."""
    return word.partition("=")[0] in _OPTIONS and "=" in word


def is_for(name: str, kind: str) -> bool:
    """Tell whether hops of that kind have the option."""
    return kind in _OPTIONS[name].kinds


def parse_options(kind: str, words: Sequence[str]) -> HopOptions:
    """Return what the words `NAME=VALUE` behind a hop of that kind mean.

    Raises:
        ValueError: what was expected and what was found.

    """
    fields = {}
    for word in words:
        name, _, value = word.partition("=")
        option = _OPTIONS.get(name)
        if option is None:
            forms = " or ".join(each.form for each in _OPTIONS.values() if kind in each.kinds) or "no options"
            raise ValueError(f"expected {forms} behind {kind}, found another option")
        if kind not in option.kinds:
            raise ValueError(f"expected no {name}= behind {kind}: {option.reason}")
        try:
            fields[option.field] = option.parse(value)
        except LookupError:
            found = "another value" if value else "nothing"
            raise ValueError(f"expected {option.form}, found {name}= and {found}") from None
    if "isolate" in fields and fields.get("warm"):
        raise ValueError(
            "expected no warm= beside isolate=: what stands ready has been told already who we are"
        )
    return HopOptions(**fields)  # type: ignore[arg-type]


def _parse_file(value: str) -> str:
    if not value:
        raise LookupError
    if not os.path.isfile(value):
        raise ValueError(f"expected a file of certificates (PEM) behind ca=, found no file {value!r}")
    return os.path.abspath(value)  # the helper, which reads it, is in another directory


def _parse_flag(value: str) -> bool:
    return {"0": False, "1": True}[value]


def _parse_count(value: str) -> int:
    if re.fullmatch("[0-9]{1,2}", value) and 1 <= int(value) <= MAX_WARM:
        return int(value)
    raise LookupError


def _parse_isolate(value: str) -> Isolate:
    return {str(each): each for each in Isolate}[value]


_TLS = frozenset(TLS_KINDS.values())
_TLS_ONLY = f"it is for {', '.join(TLS_KINDS.values())}"
_SPOKEN = frozenset(KINDS) - {Scheme.RAW, Scheme.SSH}
_SOCKS5 = frozenset(kind for kind, (scheme, _) in KINDS.items() if scheme in {Scheme.SOCKS5, Scheme.SOCKS5H})

_OPTIONS = {
    "ca": _Option("ca", "ca=FILE", _parse_file, _TLS, _TLS_ONLY),
    "insecure": _Option("is_insecure", "insecure=1", _parse_flag, _TLS, _TLS_ONLY),
    PIPELINE: _Option(
        "is_pipelined", "pipeline=1", _parse_flag, _SOCKS5, "its handshake is one flight anyhow"
    ),
    "warm": _Option(
        "warm",
        f"warm=1 to warm={MAX_WARM}",
        _parse_count,
        _SPOKEN,
        "a connection to it is one to the destination already",
    ),
    "isolate": _Option(
        "isolate",
        "isolate=process or isolate=destination",
        _parse_isolate,
        _SOCKS5,
        "it takes the user name and password of SOCKS5",
    ),
    "tor": _Option("is_tor", "tor=1", _parse_flag, _SOCKS5, "Tor looks names up by SOCKS5"),
}
