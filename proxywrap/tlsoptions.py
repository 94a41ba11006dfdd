"""Options of a hop: `?ca=FILE&insecure=1` behind its URL, or words behind its line."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["TlsOptions", "is_option", "parse_options"]

_NAMES = ("ca", "insecure")


class TlsOptions(NamedTuple):
    """How TLS is spoken: `ca` is a file of certificates, in place of the system's."""

    ca: str | None = None
    is_insecure: bool = False

    def __str__(self) -> str:
        """Return them as the words behind a line."""
        words = [f"ca={self.ca}"] if self.ca is not None else []
        return " ".join([*words, "insecure=1"] if self.is_insecure else words)


def is_option(word: str) -> bool:
    """Tell whether a word behind a line is an option."""
    return word.partition("=")[0] in _NAMES and "=" in word


def parse_options(words: Sequence[str]) -> TlsOptions:
    """Return what the words `NAME=VALUE` mean.

    Raises:
        ValueError: what was expected and what was found.

    """
    options = TlsOptions()
    for word in words:
        name, equals, value = word.partition("=")
        if name == "ca" and value:
            if not os.path.isfile(value):
                raise ValueError(f"expected a file of certificates (PEM) behind ca=, found no file {value!r}")
            # The helper, which reads it, is in another directory.
            options = options._replace(ca=os.path.abspath(value))
        elif name == "insecure" and value in {"0", "1"}:
            options = options._replace(is_insecure=value == "1")
        elif name in _NAMES:
            found = f"{name}{equals} and {'another value' if value else 'nothing'}"
            raise ValueError(f"expected ca=FILE or insecure=1, found {found}")
        else:
            raise ValueError("expected ca=FILE or insecure=1, found another option")
    return options
