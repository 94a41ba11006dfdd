"""Files judged for `proxywrapctl config`: what is wrong with one, what it means, what it would be here."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from proxywrap.errors import ConfigError
from proxywrap.explain import explain
from proxywrap.migrate import from_proxychains
from proxywrap.origin import Stamp
from proxywrap.parser import review_config
from proxywrap.reading import complete, read_file

__all__ = ["Verdict", "check_file", "translate_file"]


class Verdict(NamedTuple):
    """What to print of a file, and what is wrong with it."""

    lines: Sequence[str] = ()
    errors: Sequence[ConfigError] = ()


def check_file(path: str) -> Verdict:
    """Return what a file means, or all that is wrong with it."""
    found = _read(path)
    if isinstance(found, ConfigError):
        return Verdict(errors=[found])
    data, stamp = found
    review = review_config(data, path)
    warnings = [f"warning: {text}" for text in review.warnings]
    if review.config is None:
        return Verdict(warnings, review.errors)
    try:
        config = complete(review.config, os.path.dirname(os.path.abspath(path)), stamp)
    except ConfigError as exc:
        return Verdict(warnings, [exc])
    remarks = [f"warning: {text}" for text in config.warnings] + [f"note: {text}" for text in config.notes]
    return Verdict([f"{path}: correct", *remarks, *(f"  {text}" for text in explain(config))])


def translate_file(path: str) -> Verdict:
    """Return a file of proxychains-ng's in proxywrap's form."""
    found = _read(path)
    if isinstance(found, ConfigError):
        return Verdict(errors=[found])
    data, _ = found
    lines, errors = from_proxychains(data, path)
    if not errors:
        # What only shows when all lines are there: proxies that are missing, or too few.
        text = "".join(f"{line}\n" for line in lines)
        errors = review_config(text.encode("utf-8", "surrogateescape"), f"{path}, translated").errors
    return Verdict(lines, errors)


def _read(path: str) -> tuple[bytes, Stamp | None] | ConfigError:
    try:
        return read_file(path)
    except ConfigError as exc:
        return exc
    except OSError as exc:
        return ConfigError(f"expected a file that can be read, found: {exc.strerror}", path)
