"""The command line of proxychains-ng, for a `proxywrap` that is called by its name.

`[-q] [-f FILE] COMMAND [ARGS]…`, and nothing else. That tool looks at the
second character of a flag alone, and runs what it does not know; where one of
its users relies on that without knowing, an error says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = ["NAMES", "USAGE", "UnknownFlag", "translate"]

NAMES = frozenset({"proxychains", "proxychains4"})

USAGE = """\
Usage: {name} [-q] [-f FILE] COMMAND [ARGS]...

  -q        Say nothing but fatal errors.
  -f FILE   Read the proxies from FILE, in proxychains' grammar.

This is proxywrap, called by another name: `proxywrap --help` tells the rest.
"""

QUIET_VARIABLE = "PROXYCHAINS_QUIET_MODE"


class UnknownFlag(Exception):
    """A flag that proxychains-ng does not have, or takes for another one."""


def translate(args: Sequence[str], environ: Mapping[str, str]) -> list[str] | None:
    """Return proxywrap's own arguments for those of proxychains-ng.

    Args:
        args: without the program's name.
        environ: where proxychains-ng's own variable may ask for silence.

    Returns:
        The arguments, or None where help is asked for.

    Raises:
        UnknownFlag: it would not do what it seems to ask for.

    """
    if list(args) == ["--help"]:
        return None
    is_quiet = environ.get(QUIET_VARIABLE, "").startswith("1")
    file: str | None = None
    rest = list(args)
    while rest and rest[0].startswith("-"):
        flag = rest.pop(0)
        if flag == "-q":
            is_quiet = True
        elif flag == "-f":
            if not rest:
                raise UnknownFlag("expected a FILE after -f, found nothing")
            if file is not None:
                raise UnknownFlag("expected -f once, found it twice")
            file = rest.pop(0)
        else:
            raise UnknownFlag(_trap(flag))
    quiet = ["-q"] if is_quiet else []
    return [*quiet, *([] if file is None else ["-f", file]), "--", *rest]


def _trap(flag: str) -> str:
    expected = f"expected -q, -f FILE or a COMMAND, found {flag}"
    match flag[1:2]:
        case "-":
            return f"{expected}; proxychains has no long flags and no --: what follows COMMAND is its own"
        case "q":
            return f"{expected}, which proxychains takes for -q"
        case "f":
            return f"{expected}, which proxychains takes for -f and the next word for the FILE"
        case _:
            return f"{expected}, which proxychains would run as a COMMAND"
