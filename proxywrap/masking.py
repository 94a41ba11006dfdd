"""Credentials of URLs kept out of whatever is told of them."""

from __future__ import annotations

import re

__all__ = ["SPLIT_USERINFO", "has_split_userinfo", "masked"]

_USERINFO = r"(?<=://)\S*@"
_USERINFO_WITH_BLANKS = r"(?s)(?<=://).*@"
_SYNTAX = {"USER@", "[USER@", "[USER:PASSWORD@"}
_SPLIT_USERINFO = r"://\S*\s(?:(?!pass=@|ca=).)*@"


def masked(text: str, *, may_have_blanks: bool = False) -> str:
    """Return a text with the userinfo of each URL in it as `***`.

    It ends at the last `@` of a word, for a password may have some.

    Args:
        text: what would be told.
        may_have_blanks: a password in it may have blanks, so that nobody can
            tell where it begins; all goes up to the text's last `@`.

    """
    return re.sub(_USERINFO_WITH_BLANKS if may_have_blanks else _USERINFO, _mask, text)


def _mask(match: re.Match[str]) -> str:
    return match[0] if match[0] in _SYNTAX else "***@"


SPLIT_USERINFO = "expected no blank in a URL's user name and password, found one: write it as %20"


def has_split_userinfo(line: str) -> bool:
    """Tell whether blanks part the userinfo of a URL, so that one word of it may be a part of a password."""
    return re.search(_SPLIT_USERINFO, line) is not None
