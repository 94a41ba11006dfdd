"""What was probably meant by a line that cannot be read, and how it is written.

Imported only when a line is wrong, and pure. Nothing here quotes what could be a password.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from proxywrap.scheme import KINDS
from proxywrap.uri import parse_proxy_host, parse_proxy_port

__all__ = ["BYTE_ORDER_MARK", "did_you_mean", "suggestion", "wrong_encoding"]

BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_UTF_16 = (b"\xff\xfe", b"\xfe\xff")

_QUOTES = "\u201c\u201d\u201e\u2018\u2019\u201a"

_PLAIN_QUOTES = "\"'"

_SYNTAX = "TYPE HOST PORT"

_EXAMPLE = "socks5 127.0.0.1 1080"

_OTHER_NAMES = {
    "static_chain": "strict_chain",
    "socks": "socks5",
    "socks5a": "socks5h",
    "connect": "http",
}
"""What is written for something else, and no misspelling of it."""


def wrong_encoding(data: bytes) -> str | None:
    """Return what keeps a file from being plain text, None where nothing does."""
    if data.startswith(BYTE_ORDER_MARK):
        return "expected plain text, found a byte order mark (BOM): save the file as UTF-8 without one"
    if data.startswith(_UTF_16):
        return "expected UTF-8, found UTF-16: save the file as UTF-8"
    return None


def did_you_mean(word: str, known: Collection[str]) -> str:
    """Return `: did you mean ...?` for a misspelt word, or nothing."""
    from difflib import get_close_matches  # noqa: PLC0415 - it imports much, for a word that is wrong

    plain = word.lower().replace("-", "_")
    other = _OTHER_NAMES.get(plain)
    near = [other] if other in known else get_close_matches(plain, known, 1, 0.75)
    return f": did you mean {near[0]}?" if near else ""


def suggestion(fields: Sequence[str], *, is_in_list: bool) -> str | None:
    """Return what is wrong with a line of another grammar and what to write, None where it has no such form.

    Args:
        fields: the words of the line.
        is_in_list: it stands where proxies stand.

    """
    text = " ".join(fields)
    quote = next((each for each in text if each in _QUOTES), None)
    if quote is not None:
        return f"expected plain words, found a typographic quote (U+{ord(quote):04X}): write no quotes"
    form, line = _form(fields), _as_proxy(fields)
    if form is not None and line is not None:
        place = "" if is_in_list else " below [ProxyList]"
        return f"expected {_SYNTAX}{place}, found {form}: write {line}{place}"
    if not is_in_list and (grammar := _grammar(text)) is not None:
        return f"expected proxychains' grammar, found {grammar}: write [ProxyList] and {_EXAMPLE} below it"
    return None


def _grammar(text: str) -> str | None:
    """Return the name of a grammar in which names have values behind a sign, None where it is none."""
    if re.fullmatch(r"-? ?[A-Za-z_][\w-]*:( .*)?", text) or text == "---":
        return "YAML"
    if text.startswith("[[") or re.fullmatch(r"[A-Za-z_][\w-]* ?= ?[\"'\[{].*", text):
        return "TOML"
    return None


def _form(fields: Sequence[str]) -> str | None:
    """Return how a proxy is written that other programs read, None where it is no such form."""
    text = " ".join(fields)
    if text.startswith("- ") or re.match(r"[A-Za-z0-9]+: ", text):
        return "YAML"
    if "," in text:
        return "commas"
    if any(quote in text for quote in _PLAIN_QUOTES):
        return "quotes"
    return "HOST:PORT in one word" if len(fields) == 2 and "://" not in text else None


def _as_proxy(fields: Sequence[str]) -> str | None:
    """Return the line that a proxy of another grammar is here, None where it is none or has credentials."""
    text = " ".join(fields).removeprefix("- ").strip("[]")
    words = [word.strip(_PLAIN_QUOTES + ",;") for word in re.split(r"[ ,]+", text)]
    words = [word for word in words if word]
    if not words or "@" in text:
        return None
    kind = words[0].rstrip(":").lower()
    if "://" in kind:
        kind, _, place = kind.partition("://")
        words = [kind, place.rstrip("/")]
    if kind not in KINDS or kind == "ssh" or len(words) < 2:
        return None
    host, colon, port = words[1].rpartition(":")
    if not colon:
        host, port = words[1], words[2] if len(words) > 2 else ""
    try:
        parse_proxy_host(host)
        number = parse_proxy_port(port)
    except ValueError:
        return None
    plain = f"{kind} {host} {number}"
    return None if list(fields[:3]) == plain.split() else plain
