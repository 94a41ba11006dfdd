"""Files judged for `proxywrapctl config`: what is wrong with one, what it means, what it would be here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from proxywrap.errors import ConfigError
from proxywrap.explain import explain
from proxywrap.migrate import from_proxychains
from proxywrap.parser import review_config
from proxywrap.reading import read_file

__all__ = ["Verdict", "check_file", "translate_file"]


class Verdict(NamedTuple):
    """What to print of a file, and what is wrong with it."""

    lines: Sequence[str] = ()
    errors: Sequence[ConfigError] = ()


def check_file(path: str) -> Verdict:
    """Return what a file means, or all that is wrong with it."""
    data = _read(path)
    if isinstance(data, ConfigError):
        return Verdict(errors=[data])
    review = review_config(data, path)
    warnings = [f"warning: {text}" for text in review.warnings]
    if review.config is None:
        return Verdict(warnings, review.errors)
    notes = [f"note: {text}" for text in review.config.notes]
    return Verdict([f"{path}: correct", *warnings, *notes, *(f"  {text}" for text in explain(review.config))])


def translate_file(path: str) -> Verdict:
    """Return a file of proxychains-ng's in proxywrap's form."""
    data = _read(path)
    if isinstance(data, ConfigError):
        return Verdict(errors=[data])
    lines, errors = from_proxychains(data, path)
    if not errors:
        # What only shows when all lines are there: proxies that are missing, or too few.
        text = "".join(f"{line}\n" for line in lines)
        errors = review_config(text.encode("utf-8", "surrogateescape"), f"{path}, translated").errors
    return Verdict(lines, errors)


def _read(path: str) -> bytes | ConfigError:
    try:
        return read_file(path)[0]
    except ConfigError as exc:
        return exc
    except OSError as exc:
        return ConfigError(f"expected a file that can be read, found: {exc.strerror}", path)
